//! Panels of a Grafana dashboard.

use serde_json::{Value, json};

/// Columns of a dashboard.
const COLUMNS: u64 = 24;
const HEIGHT: u64 = 8;
/// Of panels that hold a text.
const TEXT_HEIGHT: u64 = 16;

/// How a panel writes its figures, by Grafana's names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    Seconds,
    Requests,
    Share,
    Count,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Requests => "reqps",
            Self::Share => "percentunit",
            Self::Count => "short",
        }
    }
}

/// A panel that is not placed yet.
#[derive(Debug)]
pub(super) struct Panel {
    content: Value,
    width: u64,
    height: u64,
}

impl Panel {
    /// Lines over time; two stand beside each other.
    pub(super) fn lines(title: &str, about: &str, unit: Unit) -> Self {
        let content = json!({
            "type": "timeseries",
            "title": title,
            "description": about,
            "datasource": datasource(),
            "targets": [],
            "fieldConfig": {"defaults": {"unit": unit.name(), "min": 0, "custom": {"fillOpacity": 0, "lineWidth": 1}}, "overrides": []},
            "options": {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["mean", "max"]}, "tooltip": {"mode": "multi", "sort": "desc"}},
        });
        Self { content, width: COLUMNS / 2, height: HEIGHT }
    }

    /// Markdown over the whole width.
    pub(super) fn text(title: &str, markdown: &str) -> Self {
        let options = json!({"mode": "markdown", "content": markdown});
        let content = json!({"type": "text", "title": title, "options": options});
        Self { content, width: COLUMNS, height: TEXT_HEIGHT }
    }

    /// One more query; `legend` names its lines by their labels.
    pub(super) fn query(mut self, expr: &str, legend: &str) -> Self {
        if let Some(targets) = self.content.get_mut("targets").and_then(Value::as_array_mut) {
            let id = format!("Q{}", targets.len());
            targets
                .push(json!({"refId": id, "datasource": datasource(), "expr": expr, "legendFormat": legend}));
        }
        self
    }

    /// A line that is not to be crossed.
    pub(super) fn limit(mut self, limit: f64) -> Self {
        if let Some(defaults) =
            self.content.pointer_mut("/fieldConfig/defaults").and_then(Value::as_object_mut)
        {
            let steps = json!([{"color": "green", "value": null}, {"color": "red", "value": limit}]);
            defaults.insert("thresholds".to_owned(), json!({"mode": "absolute", "steps": steps}));
            if let Some(custom) = defaults.get_mut("custom").and_then(Value::as_object_mut) {
                custom.insert("thresholdsStyle".to_owned(), json!({"mode": "line"}));
            }
        }
        self
    }
}

/// Gives each panel a number and a place, from the left to the right and down.
pub(super) fn place(panels: Vec<Panel>) -> Vec<Value> {
    let (mut x, mut y) = (0, 0);
    let mut placed = Vec::new();
    for (number, panel) in panels.into_iter().enumerate() {
        let Panel { mut content, width, height } = panel;
        if x + width > COLUMNS {
            (x, y) = (0, y + HEIGHT);
        }
        if let Some(fields) = content.as_object_mut() {
            fields.insert("id".to_owned(), json!(number + 1));
            fields.insert("gridPos".to_owned(), json!({"x": x, "y": y, "w": width, "h": height}));
        }
        placed.push(content);
        x += width;
        if x == COLUMNS {
            (x, y) = (0, y + height);
        }
    }
    placed
}

/// The one that is chosen at the top.
fn datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_have_places_of_their_own() {
        let lines = || Panel::lines("a", "", Unit::Count).query("up", "").query("1", "").limit(1.0);
        let placed = place(vec![lines(), lines(), lines(), Panel::text("b", "c"), lines()]);
        let places: Vec<_> = placed
            .iter()
            .map(|panel| {
                (panel["id"].as_u64(), panel["gridPos"]["x"].as_u64(), panel["gridPos"]["y"].as_u64())
            })
            .collect();
        let at = |id, x, y| (Some(id), Some(x), Some(y));
        assert_eq!(places, [at(1, 0, 0), at(2, 12, 0), at(3, 0, 8), at(4, 0, 16), at(5, 0, 32)]);
        assert_eq!(placed[0]["targets"][1]["refId"], "Q1");
        assert_eq!(placed[0]["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"], 1.0);
    }
}
