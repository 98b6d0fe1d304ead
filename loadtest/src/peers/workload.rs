//! What is asked of peers and of ours alike, by the names that tables and baselines carry.

use clap::ValueEnum;

/// One kind of request. *Warm*: the answer is known where a peer keeps answers. *Cold*: no two requests are alike, so none is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub(crate) enum Workload {
    /// A public answer of 2 KiB that may be kept for an hour.
    #[value(name = "hot-2k")]
    Hot2k,
    /// The same of 50 KiB.
    #[value(name = "hot-50k")]
    Hot50k,
    /// The first with its tag, to be answered 304.
    NotModified,
    /// 2 KiB that may not be kept: each request goes to the origin.
    Pass,
    #[value(name = "feed-25-warm")]
    Feed25Warm,
    #[value(name = "feed-25-cold")]
    Feed25Cold,
    #[value(name = "feed-100-warm")]
    Feed100Warm,
    #[value(name = "feed-100-cold")]
    Feed100Cold,
    #[value(name = "feed-500-warm")]
    Feed500Warm,
    #[value(name = "feed-500-cold")]
    Feed500Cold,
    /// The newest 20 of 200,000 packages.
    PackagesFirstWarm,
    /// Some 20 among the newest 5,000.
    PackagesFirstCold,
    /// 20 beyond row 150,000.
    PackagesDeepWarm,
    /// Some 20 beyond row 150,000.
    PackagesDeepCold,
    /// A page of 20 animals.
    CatalogList,
    /// The same with its tag, to be answered 304.
    #[value(name = "catalog-304")]
    Catalog304,
    #[value(name = "upload-9m")]
    Upload9m,
    #[value(name = "upload-100m")]
    Upload100m,
}

impl Workload {
    /// As in tables, baselines and arguments.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_tables_and_no_two_are_alike() {
        let names: Vec<String> = Workload::value_variants().iter().map(|workload| workload.name()).collect();
        assert_eq!(names.iter().collect::<std::collections::HashSet<_>>().len(), 18);
        for name in
            ["hot-2k", "not-modified", "feed-500-cold", "packages-deep-warm", "catalog-304", "upload-100m"]
        {
            assert!(names.iter().any(|known| known == name), "{name}");
            assert_eq!(Workload::from_str(name, false).unwrap().name(), name);
        }
    }
}
