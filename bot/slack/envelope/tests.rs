//! Every fixture through the readers.
