package shop.orders;

import com.fasterxml.jackson.core.JsonProcessingException;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;
import shop.orders.clients.CatalogClient.Line;

import java.util.List;
import java.util.UUID;

@RestController
@RequestMapping("/orders")
public class OrderController {

    private final OrderService service;
    private final OrderRepository orders;

    public OrderController(OrderService service, OrderRepository orders) {
        this.service = service;
        this.orders = orders;
    }

    public record NewOrder(String customerId, List<Line> lines) {
    }

    @PostMapping
    @ResponseStatus(HttpStatus.CREATED)
    public Order createOrder(@RequestBody NewOrder body) throws JsonProcessingException {
        return service.create(body.customerId(), body.lines());
    }

    @GetMapping
    public List<Order> listOrders(@RequestParam String customerId) {
        return orders.findByCustomerId(customerId);
    }

    @GetMapping("/{id}")
    public Order getOrder(@PathVariable UUID id) {
        return orders.findById(id).orElseThrow(() -> new ResponseStatusException(HttpStatus.NOT_FOUND));
    }

    @PostMapping("/{id}/cancel")
    public Order cancelOrder(@PathVariable UUID id) {
        Order order = getOrder(id);
        order.become(Order.Status.CANCELLED);
        return orders.save(order);
    }
}
