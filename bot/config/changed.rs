//! What differs between two readings of the configuration: it is read once, and whoever edits it has to know what needs a restart.

use super::Config;

impl Config {
    /// The keys whose values are others in `now`, as they are called in the file.
    pub fn changed(&self, now: &Self) -> Vec<&'static str> {
        // Every field is named, so that a new one cannot be forgotten here.
        let Self {
            database,
            anchor,
            anchor_channel,
            listen,
            url,
            workflows,
            policies,
            templates,
            // Beside the file, always.
            staff: _,
            slack,
            tailscale,
            golink,
            tclip,
            people,
            ceilings,
            control,
            operators,
            secrets,
            programs,
        } = self;
        let all = [
            ("database", *database != now.database),
            ("anchor", *anchor != now.anchor),
            ("anchor_channel", *anchor_channel != now.anchor_channel),
            ("listen", *listen != now.listen),
            ("url", *url != now.url),
            ("workflows", *workflows != now.workflows),
            ("policies", *policies != now.policies),
            ("templates", *templates != now.templates),
            ("slack", *slack != now.slack),
            ("tailscale", *tailscale != now.tailscale),
            ("golink", *golink != now.golink),
            ("tclip", *tclip != now.tclip),
            ("people", *people != now.people),
            ("ceilings", *ceilings != now.ceilings),
            ("control", *control != now.control),
            ("operators", *operators != now.operators),
            ("secrets", *secrets != now.secrets),
            ("programs", *programs != now.programs),
        ];
        all.into_iter().filter_map(|(name, is_other)| is_other.then_some(name)).collect()
    }
}
