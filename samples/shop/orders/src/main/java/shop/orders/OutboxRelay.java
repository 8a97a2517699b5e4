package shop.orders;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/** Publishes what the transactions of OrderStore left in the outbox. At least once, in order. */
@Component
public class OutboxRelay {

    private final OutboxRepository outbox;
    private final KafkaTemplate<String, String> kafka;
    private final String topic;

    public OutboxRelay(OutboxRepository outbox, KafkaTemplate<String, String> kafka,
                       @Value("${shop.topics.orders-placed}") String topic) {
        this.outbox = outbox;
        this.kafka = kafka;
        this.topic = topic;
    }

    @Scheduled(fixedDelayString = "${shop.relay.interval-ms}")
    @Transactional
    public void relay() {
        for (OutboxEvent event : outbox.findTop100ByPublishedAtIsNullOrderByCreatedAt()) {
            kafka.send(topic, event.getAggregateId().toString(), event.getPayload()).join();
            event.published();
        }
    }
}
