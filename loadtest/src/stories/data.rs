//! Three gyms of the size that feeds are compared at: 25, 100 and 500 stories that are shown, posted by 10, 40 and 200 members, beside a third as many deleted ones and many that have expired.

use std::fmt::Write as _;

use crate::freshness::dice::Dice;

/// A gym: so many stories that are shown, by so many authors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) stories: usize,
    pub(crate) authors: usize,
}

pub(crate) const SHAPES: [Shape; 3] = [
    Shape { stories: 25, authors: 10 },
    Shape { stories: 100, authors: 40 },
    Shape { stories: 500, authors: 200 },
];
/// Members of each gym beside those who only look.
const MEMBERS: usize = 200;
const DELETED: usize = 67;
const EXPIRED: usize = 667;
/// So many of the stories of a gym have been seen by each of its members, in percent.
const SEEN_PERCENT: u64 = 18;
const WORDS: [&str; 16] = [
    "rutina", "pierna", "espalda", "fuerza", "record", "nuevo", "hoy", "clase", "yoga", "cardio", "equipo",
    "meta", "reto", "dieta", "semana", "coach",
];
/// What is made of a picture: name, width, height, bytes in AVIF (WebP takes half as much again, JPEG twice as much).
const SIZES: [(&str, u32, u32, u64); 5] = [
    ("placeholder", 20, 36, 400),
    ("thumb", 200, 200, 5_000),
    ("preview", 640, 640, 30_000),
    ("full", 1080, 1920, 110_000),
    ("original", 1440, 2560, 320_000),
];
const FORMATS: [(&str, &str, u64); 3] =
    [("jpg", "image/jpeg", 4), ("webp", "image/webp", 3), ("avif", "image/avif", 2)];

/// What was made, to ask for it.
pub(crate) struct Data {
    pub(crate) sql: String,
    /// By shape.
    pub(crate) gyms: Vec<String>,
    /// A member of all gyms who has seen some stories.
    pub(crate) member: String,
    /// Members of all gyms who have done nothing yet.
    pub(crate) lookers: Vec<String>,
}

/// The statements that load these gyms, with pictures in so many formats.
pub(crate) fn make(seed: u64, shapes: &[Shape], lookers: usize, formats: usize) -> Data {
    let mut dice = Dice::new(seed, "stories data", 0);
    let gyms: Vec<String> = shapes.iter().map(|_| dice.uuid()).collect();
    let members: Vec<String> = (0..MEMBERS).map(|_| dice.uuid()).collect();
    let lookers: Vec<String> = (0..lookers).map(|_| dice.uuid()).collect();
    let mut sql = String::new();
    for (gym, shape) in gyms.iter().zip(shapes) {
        line(
            &mut sql,
            format_args!(
                "INSERT INTO gym (id, name, emojis, max_stories_per_day, created_at, updated_at) \
               VALUES ('{gym}', 'Gym of {}', ARRAY['💪', '🔥', '👏'], 1000, now(), now());\n\
             INSERT INTO feed_clock (gym_id, epoch, seq) VALUES ('{gym}', gen_random_uuid(), 0);",
                shape.stories
            ),
        );
    }
    for (number, persons) in members.chunks(MEMBERS).chain(lookers.chunks(1_000)).enumerate() {
        copy(&mut sql, "person (id, name, is_active, catalog_version, updated_at)", persons, |id| {
            format!("{id}\tAna Garcia {number}\tt\t1\tnow")
        });
        for gym in &gyms {
            copy(&mut sql, "member (gym_id, user_id, role, joined_at)", persons, |id| {
                format!("{gym}\t{id}\tmember\tnow")
            });
        }
    }
    for (gym, shape) in gyms.iter().zip(shapes) {
        let mut ids = Vec::new();
        for number in 0..shape.stories + DELETED + EXPIRED {
            let among = if number < shape.stories { shape.authors } else { MEMBERS };
            let author = members.get(number % among).map_or("", String::as_str);
            let id = dice.uuid();
            story(&mut sql, &mut dice, &Story { id: &id, gym, author, number, shape, formats });
            ids.push(id);
        }
        let mut views = Vec::new();
        for id in &ids {
            views.extend(members.iter().filter(|_| dice.percent(SEEN_PERCENT)).map(|member| (id, member)));
        }
        copy(
            &mut sql,
            "story_view (story_id, viewer_id, gym_id, first_seen_at, max_watch_ms)",
            &views,
            |(id, member)| format!("{id}\t{member}\t{gym}\tnow\t1000"),
        );
    }
    sql.push_str("ANALYZE;\n");
    // One that posts nothing in the smallest gym.
    Data { sql, gyms, member: members.last().cloned().unwrap_or_default(), lookers }
}

struct Story<'a> {
    id: &'a str,
    gym: &'a str,
    author: &'a str,
    number: usize,
    shape: &'a Shape,
    formats: usize,
}

fn story(sql: &mut String, dice: &mut Dice, story: &Story<'_>) {
    let Story { id, gym, author, number, shape, formats } = *story;
    let words: Vec<&str> = (0..dice.between(3, 13)).filter_map(|_| dice.pick(&WORDS).copied()).collect();
    let kind = dice.pick(&["image", "image", "text"]).copied().unwrap_or("text");
    let asset = (kind == "image").then(|| dice.uuid());
    if let Some(asset) = &asset {
        let renditions = renditions(dice, asset, formats);
        line(
            sql,
            format_args!(
                "INSERT INTO media (asset_id, owner_id, kind, state, asset_version, width, height, blurhash, thumbhash, \
               dominant_color, renditions, updated_at) \
               VALUES ('{asset}', '{author}', 'image', 'ready', 1, 1440, 2560, 'LEHV6nWB2yk8pyo0adR*.7kCMdnj', \
               '3OcRJYB4d3h/iIeHeEh3eIhw+j2w', '#8a6f55', '{renditions}', now());"
            ),
        );
    }
    let asset = asset.map_or_else(|| "NULL".to_owned(), |asset| format!("'{asset}'"));
    let minutes = dice.between(1, 20 * 60);
    let (state, ended, age) = if number < shape.stories {
        ("active", "NULL", minutes)
    } else if number < shape.stories + DELETED {
        ("deleted", "now()", minutes)
    } else {
        ("archived", "now()", minutes + 2 * 24 * 60)
    };
    let posted = format!("now() - interval '{age} minutes'");
    line(
        sql,
        format_args!(
            "INSERT INTO story (id, gym_id, author_id, kind, caption, privacy, asset_id, state, duration_hours, display_secs, \
           created_at, updated_at, published_at, expires_at, ended_at) \
           VALUES ('{id}', '{gym}', '{author}', '{kind}', '{}', 'public', {asset}, '{state}', 24, 7, {posted}, {posted}, {posted}, \
           {posted} + interval '24 hours', {ended});\n\
         INSERT INTO story_count (story_id, views) VALUES ('{id}', {});",
            words.join(" "),
            dice.below(200)
        ),
    );
}

fn renditions(dice: &mut Dice, asset: &str, formats: usize) -> String {
    let mut all = Vec::new();
    for (name, width, height, bytes) in SIZES {
        for (format, content_type, halves) in FORMATS.iter().take(formats) {
            // No two pictures are equally large.
            let bytes = bytes * halves / 2 + dice.between(0, bytes / 5);
            all.push(serde_json::json!({
                "name": name, "format": format, "content_type": content_type, "bytes": bytes, "width": width, "height": height,
                "url": format!("/media/{asset}/{:012x}/{name}.{format}", dice.next() >> 16),
            }));
        }
    }
    serde_json::Value::Array(all).to_string()
}

fn line(sql: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _ = writeln!(sql, "{text}");
}

fn copy<T>(sql: &mut String, table: &str, rows: &[T], row: impl Fn(&T) -> String) {
    line(sql, format_args!("COPY {table} FROM STDIN;"));
    for one in rows {
        line(sql, format_args!("{}", row(one)));
    }
    sql.push_str("\\.\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gym_shows_as_many_stories_as_it_is_said_to() {
        let data = make(1, &SHAPES, 3, 1);
        assert_eq!((data.gyms.len(), data.lookers.len()), (3, 3));
        for (gym, shape) in data.gyms.iter().zip(SHAPES) {
            let shown =
                data.sql.lines().filter(|line| line.contains(gym.as_str()) && line.contains("'active'"));
            assert_eq!(shown.count(), shape.stories);
        }
        assert_eq!(data.sql.matches("\n\\.\n").count(), data.sql.matches("FROM STDIN").count());
    }
}
