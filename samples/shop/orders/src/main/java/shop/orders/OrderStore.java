package shop.orders;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

import java.util.Map;

/** The transactions of an order. */
@Component
public class OrderStore {

    private final OrderRepository orders;
    private final OutboxRepository outbox;
    private final ObjectMapper json;

    public OrderStore(OrderRepository orders, OutboxRepository outbox, ObjectMapper json) {
        this.orders = orders;
        this.outbox = outbox;
        this.json = json;
    }

    @Transactional
    public Order save(Order order) {
        return orders.save(order);
    }

    /** The new status and its event are written together. */
    @Transactional
    public Order place(Order order) throws JsonProcessingException {
        order.become(Order.Status.PLACED);
        var payload = Map.of(
                "orderId", order.getId(),
                "customerId", order.getCustomerId(),
                "totalCents", order.getTotalCents(),
                "lines", order.getLines());
        outbox.save(new OutboxEvent(order.getId(), "OrderPlaced", json.writeValueAsString(payload)));
        return orders.save(order);
    }
}
