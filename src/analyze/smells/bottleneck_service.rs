//! A service on which many kinds of requests wait for most of their time.

use super::{Scene, Smell};
use crate::model::Finding;

/// The smell.
pub const SMELL: Smell = Smell { id: "bottleneck-service", text: include_str!("bottleneck_service.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if scene.graph.parts().traffic.is_none() {
        return Err("no traces were read".to_owned());
    }
    Err("the traces give no critical path".to_owned())
}
