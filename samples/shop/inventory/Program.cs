using Npgsql;
using Shop.Inventory;

var builder = WebApplication.CreateBuilder(args);

builder.Services.AddSingleton(
    NpgsqlDataSource.Create(builder.Configuration.GetConnectionString("Stock")!));
builder.Services.AddSingleton<StockStore>();
builder.Services.AddHttpClient<CatalogClient>(client =>
{
    client.BaseAddress = new Uri(builder.Configuration["Services:Catalog"]!);
    client.Timeout = TimeSpan.FromSeconds(2);
});

var app = builder.Build();

app.MapGet("/healthz", () => "ok");

app.MapGet("/stock", async (string sku, StockStore store, CancellationToken cancel) =>
    Results.Ok(await store.AvailableAsync(sku.Split(','), cancel)));

app.MapPost("/reservations", async (Reservation body, StockStore store, CancellationToken cancel) =>
{
    try
    {
        await store.ReserveAsync(body.Lines, cancel);
        return Results.Created($"/reservations/{body.OrderId}", body);
    }
    catch (OutOfStockException error)
    {
        return Results.Conflict(new { error = error.Message });
    }
});

app.MapPost("/receipts", async (Line body, CatalogClient catalog, StockStore store, CancellationToken cancel) =>
{
    if (await catalog.FindAsync(body.Sku, cancel) is null)
    {
        return Results.UnprocessableEntity(new { error = "no such product" });
    }
    await store.ReceiveAsync(body, cancel);
    return Results.Accepted();
});

app.Run();

public sealed record Reservation(Guid OrderId, IReadOnlyList<Line> Lines);
