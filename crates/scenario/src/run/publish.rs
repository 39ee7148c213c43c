//! `publish`: a zone changes.

use std::collections::BTreeMap;

use mxlab_dns::signing_key::KeyRole;
use mxlab_dns::{Name, RecordType};
use mxlab_world::internet::{Roll, RollStep, ZoneChange};

use super::error::{self, LabError};
use super::lab::{self, in_one_line};
use super::references::References;
use super::stage::Stage;
use mxlab_language::declarations::items;
use mxlab_language::script::Publish;
use mxlab_language::values::Time;
use mxlab_language::{Scenario, words, zone_text};

/// How zones have changed since the run began.
#[derive(Default)]
pub(super) struct Zones {
    /// Inception and expiry of the signatures of zones that were published anew.
    signed: BTreeMap<String, (Time, Option<Time>)>,
    /// Which keys are renewed by the key changes under way, by zone.
    rolling: BTreeMap<String, Renewed>,
}

/// Which keys a key change renews.
#[derive(Clone, Copy)]
enum Renewed {
    /// The zone's only one.
    Key,
    ZoneSigning,
    KeySigning,
    Both,
}

impl Renewed {
    /// `split`: the zone has two keys.
    fn by(publish: &Publish, split: bool) -> Renewed {
        let ksk = publish.role.as_ref().is_some_and(|role| *role.get() == words::KeyRole::Ksk);
        match publish.algorithm {
            _ if !split => Renewed::Key,
            Some(_) => Renewed::Both,
            None if ksk => Renewed::KeySigning,
            None => Renewed::ZoneSigning,
        }
    }

    /// With the article: `a new key`.
    fn new_key(self) -> &'static str {
        match self {
            Renewed::Key => "a new key",
            Renewed::ZoneSigning => "a new zone-signing key",
            Renewed::KeySigning => "a new key-signing key",
            Renewed::Both => "new keys",
        }
    }

    /// The action of a zone that drops the old key.
    fn gives_up(self) -> &'static str {
        match self {
            Renewed::Key => "gives up its old key; the parent has the DS of the new one alone",
            Renewed::ZoneSigning => "gives up its old zone-signing key",
            Renewed::KeySigning => "gives up its old key-signing key; the parent has the DS of the new one alone",
            Renewed::Both => "gives up its old keys; the parent has the DS of the new ones alone",
        }
    }
}

impl Zones {
    pub(super) fn publish(&mut self, stage: &mut Stage<'_>, publish: &Publish) -> Result<(), LabError> {
        let apex = error::name(publish.zone.as_str())?;
        let signing = self.new_signing(stage.scenario, publish);
        let resolve = References::new(stage.scenario, &stage.lab.made, Some(&stage.lab.internet));
        let text = |text: &str| zone_text::substitute(text, &resolve);
        let change = ZoneChange {
            replace: publish.replace.as_ref().map(|records| text(records.as_str())),
            add: publish.add.as_ref().map(|records| text(records.as_str())),
            remove: removals(publish, &apex)?,
            signed: publish.signed.as_ref().map(|signed| *signed.get()),
            signing,
            roll: publish.roll.as_ref().map(|step| roll(publish, *step.get())),
            only_at: publish.server.as_ref().map(|server| stage.address(server.as_str())).transpose()?,
        };
        let declared = stage.scenario.zones.iter().find(|(name, _)| name.eq_ignore_ascii_case(publish.zone.as_str()));
        let split = declared.is_some_and(|(_, zone)| zone.keys() == words::ZoneKeys::Split);
        let renewed = publish.roll.as_ref().map(|step| self.renewed(publish, *step.get(), split));
        let told = describe_publish(publish, &change, renewed);
        match &publish.roll {
            Some(step) => stage.tell_what("publish", told, "roll", step.get().to_string()),
            None => stage.tell("publish", vec![told]),
        };
        Ok(stage.lab.internet.publish(&apex, &change)?)
    }

    /// Which keys a step of a key change is about: the first step of the change says so.
    fn renewed(&mut self, publish: &Publish, step: words::RollStep, split: bool) -> Renewed {
        let zone = publish.zone.as_str().to_ascii_lowercase();
        let renewed = *self.rolling.entry(zone.clone()).or_insert_with(|| Renewed::by(publish, split));
        if step == words::RollStep::DropOld {
            self.rolling.remove(&zone);
        }
        renewed
    }

    /// The signing of the zone from now on, if it changes: what is not given stays as it was.
    fn new_signing(&mut self, scenario: &Scenario, publish: &Publish) -> Option<mxlab_dns::signed_zone::Signing> {
        if publish.signed_from.is_none() && publish.signed_until.is_none() {
            return None;
        }
        let zone = publish.zone.get().to_string();
        let (from, until) = self.signed.get(&zone).copied().unwrap_or_else(|| {
            let declared = scenario.zones.get(zone.as_str()).map(|zone| zone.get().clone()).unwrap_or_default();
            (declared.signed_from(), declared.signed_until.as_ref().map(|until| *until.get()))
        });
        let from = publish.signed_from.as_ref().map_or(from, |from| *from.get());
        let until = publish.signed_until.as_ref().map(|until| *until.get()).or(until);
        self.signed.insert(zone, (from, until));
        Some(lab::signing(scenario.instant(from), until.map(|until| scenario.instant(until))))
    }
}

fn removals(publish: &Publish, apex: &Name) -> Result<Vec<(Name, Option<RecordType>)>, LabError> {
    let removal = |without: &mxlab_language::values::Without| {
        let owner = Name::parse_relative(&without.owner, apex).map_err(|_| LabError::Name(without.owner.clone()))?;
        let rtype = without.rtype.as_deref().map(str::parse).transpose();
        Ok((owner, rtype.map_err(|_| LabError::Name(without.owner.clone()))?))
    };
    items(&publish.remove).map(|without| removal(without.get())).collect()
}

/// The step of a key change that a `publish` takes.
fn roll(publish: &Publish, step: words::RollStep) -> Roll {
    Roll {
        step: match step {
            words::RollStep::AddKey => RollStep::AddKey,
            words::RollStep::AddDs => RollStep::AddDs,
            words::RollStep::SwitchSigning => RollStep::SwitchSigning,
            words::RollStep::DropOld => RollStep::DropOld,
        },
        algorithm: publish.algorithm.as_ref().map(|algorithm| lab::key_kind(*algorithm.get())),
        role: publish.role.as_ref().map(|role| match role.get() {
            words::KeyRole::Zsk => KeyRole::ZoneSigning,
            words::KeyRole::Ksk => KeyRole::KeySigning,
        }),
    }
}

/// What a step of a key change does, for the story.
fn describe_roll(publish: &Publish, step: words::RollStep, renewed: Renewed) -> String {
    let algorithm = publish.algorithm.as_ref().map(|algorithm| format!(" of algorithm {algorithm}"));
    let key = format!("{}{}", renewed.new_key(), algorithm.unwrap_or_default());
    match step {
        words::RollStep::AddKey => format!("publishes {key} beside the old"),
        words::RollStep::AddDs => format!("has the DS of {key} at its parent, beside the old"),
        words::RollStep::SwitchSigning => "is signed with its new key".to_owned(),
        words::RollStep::DropOld => renewed.gives_up().to_owned(),
    }
}

fn describe_publish(publish: &Publish, change: &ZoneChange, renewed: Option<Renewed>) -> String {
    let mut what = Vec::new();
    if let Some(records) = &change.replace {
        what.push(format!("now has {}", in_one_line(records)));
    }
    if let Some(records) = &change.add {
        what.push(format!("also has {}", in_one_line(records)));
    }
    for without in items(&publish.remove) {
        let rtype = without.rtype.as_deref().map_or(String::new(), |rtype| format!(" {rtype}"));
        what.push(format!("no longer has {}{rtype}", without.owner));
    }
    match publish.signed.as_ref().map(|signed| *signed.get()) {
        Some(true) => what.push("is signed".to_owned()),
        Some(false) => what.push("is no longer signed".to_owned()),
        None => {}
    }
    if let (Some(step), Some(renewed)) = (&publish.roll, renewed) {
        what.push(describe_roll(publish, *step.get(), renewed));
    }
    if publish.signed_from.is_some() || publish.signed_until.is_some() {
        what.push("has new signatures".to_owned());
    }
    format!("zone {} {}", publish.zone.get(), what.join(" and "))
}
