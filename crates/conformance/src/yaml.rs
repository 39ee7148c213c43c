//! Members of YAML documents.

use saphyr::Yaml;

/// The text of a member of a mapping.
pub(crate) fn string<'a>(of: &'a Yaml<'_>, member: &str) -> Result<&'a str, String> {
    let value = of.as_mapping_get(member).ok_or_else(|| format!("no {member}"))?;
    value.as_str().ok_or_else(|| format!("{member} is not text"))
}
