//! Settings of consumers: group, transactions, where to begin, and where dead letters go.

use crate::model::Step;
use crate::model::design::Design;
use crate::plan::{agreed, write};

use super::{Artefact, Context, File, Render};

/// Consumers.
pub const ARTEFACT: Artefact =
    Artefact { id: "consumers", about: "settings of each consumer", render: Render::Step(render) };

fn render(context: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let made = design.consumers.iter().map(|consumer| {
        let mut text = write::head("#", &format!("consumer of {}", consumer.service), step, design);
        let topics: Vec<&str> =
            design.entities.iter().filter(|e| consumer.entities.contains(&e.name)).map(|e| e.topic.as_str()).collect();
        let topics = if topics.is_empty() { vec![design.event_topic.as_str()] } else { topics };
        text.push_str(&format!("# subscribes to {}\n", write::line(&topics.join(", "))));
        text.push_str(&format!(
            "# What cannot be handled after retries goes to {} with its headers; a source connector has no such topic.\n",
            agreed::dead_letters(&consumer.group)
        ));
        for (key, value) in [
            ("bootstrap.servers", context.broker.as_str()),
            ("group.id", &consumer.group),
            ("isolation.level", "read_committed"),
            ("auto.offset.reset", "earliest"),
            ("enable.auto.commit", "false"),
        ] {
            text.push_str(&format!("{key}={}\n", write::line(value)));
        }
        text.push_str("# A copy that a sink connector of Kafka Connect keeps carries these options instead:\n");
        for (key, value) in [
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", &agreed::dead_letters(&consumer.group)),
            ("errors.deadletterqueue.topic.replication.factor", &design.capacity.replicas.to_string()),
            ("errors.deadletterqueue.context.headers.enable", "true"),
        ] {
            text.push_str(&format!("# sink: {key}={}\n", write::line(value)));
        }
        File::of(design, &format!("consumers/{}.properties", agreed::kubernetes(&consumer.service)), text)
    });
    made.collect()
}
