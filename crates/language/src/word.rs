//! How the words of the language are made: a field that takes one of a few words is an enum, of this crate ([`words`]) or of
//! the crate that owns the meaning ([`foreign`]), and a table that has one of several verbs is an enum of them ([`verbs`]).

/// Defines an enum whose values are written as words: parsing, showing, and the schema come from one list.
macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $word_doc:literal])+ $variant:ident = $word:literal,)+ })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $word_doc])+ $variant,)+ }

        impl $name {
            /// All of them, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as it is written.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What each of them means, in the order of [`Self::ALL`].
            pub const MEANINGS: &'static [&'static str] = &[$(concat!($($word_doc),+),)+];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                let known = Self::ALL.iter().copied().find(|value| value.word() == word);
                known.ok_or_else(|| serde::de::Error::unknown_variant(&word, &[$($word,)+]))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::word::schema(concat!($($doc),+), &[$($word,)+], Self::MEANINGS)
            }
        }
    )+};
}
pub(crate) use words;

/// The schema of a list of words. Their meanings are where tools for TOML look for them.
pub(crate) fn schema(what: &str, words: &[&str], meanings: &[&str]) -> schemars::Schema {
    let meanings: Vec<&str> = meanings.iter().map(|meaning| meaning.trim()).collect();
    schemars::json_schema!({
        "type": "string",
        "description": what.trim(),
        "enum": words,
        "x-taplo": { "docs": { "enumValues": meanings } },
    })
}

/// Defines the entries of an array each of which has exactly one verb: the entry as it is written, with the fields that
/// every entry has, and what it says as an enum, each variant with its table and the table's place.
macro_rules! verbs {
    (
        $(#[$entry_doc:meta])+ entry $Entry:ident { $($(#[$field_doc:meta])+ $field:ident: $Field:ty,)+ }
        $(#[$enum_doc:meta])+ enum $Enum:ident by $into:ident
        { $($(#[$doc:meta])+ $verb:ident = $word:literal: $Variant:ident($Table:ty),)+ }
    ) => {
        $(#[$entry_doc])+
        #[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $Entry {
            $($(#[$field_doc])+ pub $field: Option<$crate::Spanned<$Field>>,)+
            $($(#[$doc])+ #[serde(rename = $word)] pub $verb: Option<$crate::Spanned<$Table>>,)+
        }

        $(#[$enum_doc])+
        #[derive(Clone, Debug)]
        pub enum $Enum { $($(#[$doc])+ $Variant(Box<$crate::Spanned<$Table>>),)+ }

        impl $Enum {
            /// The verb as it is written.
            pub fn verb(&self) -> &'static str {
                match self { $(Self::$Variant(_) => $word,)+ }
            }

            /// Where its table is written.
            pub fn span(&self) -> $crate::Span {
                match self { $(Self::$Variant(table) => table.span(),)+ }
            }
        }

        impl $Entry {
            /// The one thing that the entry says; nothing if it has no verb.
            pub(crate) fn $into(self) -> Option<$Enum> {
                None$(.or(self.$verb.map(|table| $Enum::$Variant(Box::new(table)))))+
            }
        }
    };
}
pub(crate) use verbs;

/// A type of another crate whose values are written as words.
pub trait Words: Copy + PartialEq + 'static {
    /// What the schema calls it.
    const NAME: &'static str;
    /// What it is.
    const WHAT: &'static str;
    /// All of them, in the order of the reference.
    const ALL: &'static [Self];
    /// What each of them means.
    const MEANINGS: &'static [&'static str];
    /// The word as it is written.
    fn word(self) -> &'static str;
}

/// A word whose meaning another crate owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<T>(pub T);

impl<T: Words> std::fmt::Display for Word<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.word())
    }
}

impl<'de, T: Words> serde::Deserialize<'de> for Word<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = T::ALL.iter().copied().find(|value| value.word() == word);
        known.map(Word).ok_or_else(|| serde::de::Error::custom(format!("unknown word `{word}`")))
    }
}

impl<T: Words> schemars::JsonSchema for Word<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::NAME.into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let words: Vec<&str> = T::ALL.iter().map(|value| value.word()).collect();
        schema(T::WHAT, &words, T::MEANINGS)
    }
}

/// Lets types of other crates be written in files: their words are their own `ALL` and `word`.
macro_rules! foreign {
    ($($(#[doc = $doc:literal])+ $name:ident = $of:ty { $($meaning:literal,)+ })+) => {$(
        $(#[doc = $doc])+
        pub type $name = Word<$of>;

        impl Words for $of {
            const NAME: &'static str = stringify!($name);
            const WHAT: &'static str = concat!($($doc),+).trim_ascii();
            const ALL: &'static [Self] = &<$of>::ALL;
            const MEANINGS: &'static [&'static str] = &[$($meaning,)+];
            fn word(self) -> &'static str {
                <$of>::word(self)
            }
        }
    )+};
}
pub(crate) use foreign;
