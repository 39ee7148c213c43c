//! `lookup`: somebody asks the resolver.

use mxlab_dns::resolver::Resolver;
use mxlab_dns::{Name, RecordType};
use mxlab_record::following;

use super::error::{self, LabError};
use super::stage::Stage;

/// The resolver that all lookups ask; it keeps its cache from one to the next.
#[derive(Default)]
pub(super) struct Lookups {
    resolver: Option<Resolver>,
}

impl Lookups {
    pub(super) fn lookup(&mut self, stage: &Stage<'_>, name: &str, rtype: &str) -> Result<(), LabError> {
        let name: Name = error::name(name)?;
        let rtype: RecordType = rtype.parse().map_err(|_| LabError::Name(rtype.to_owned()))?;
        let env = stage.lab.users.env();
        let made = || stage.lab.resolver(stage.scenario, &env, &stage.lab.recorder(stage.scenario, &env, "script"));
        let resolver = self.resolver.get_or_insert_with(made).clone();
        let told = stage.tell("lookup", vec![format!("the resolver is asked for {name} {rtype}")]);
        let on_its_way = stage.in_flight.begin();
        let looking_up = async move {
            resolver.lookup(&name, rtype).await;
            drop(on_its_way);
        };
        env.spawn("lookup", following(told, looking_up));
        Ok(())
    }
}
