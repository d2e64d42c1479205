//! One case per rule: a hostile block and the words Slack would answer with.
