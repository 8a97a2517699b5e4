using Npgsql;

namespace Shop.Inventory;

public sealed record Stock(string Sku, int Available);

public sealed record Line(string Sku, int Quantity);

public sealed class OutOfStockException(string sku) : Exception($"out of stock: {sku}");

/// <summary>Stock in the database of the catalogue.</summary>
public sealed class StockStore(NpgsqlDataSource database)
{
    public async Task<List<Stock>> AvailableAsync(string[] skus, CancellationToken cancel)
    {
        await using var command = database.CreateCommand(
            "SELECT sku, on_hand - reserved FROM stock_items WHERE sku = ANY($1)");
        command.Parameters.AddWithValue(skus);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var found = new List<Stock>();
        while (await rows.ReadAsync(cancel))
        {
            found.Add(new Stock(rows.GetString(0), rows.GetInt32(1)));
        }
        return found;
    }

    public async Task ReserveAsync(IReadOnlyList<Line> lines, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        foreach (var line in lines)
        {
            await using var command = new NpgsqlCommand(
                "UPDATE stock_items SET reserved = reserved + $2, updated_at = now() " +
                "WHERE sku = $1 AND on_hand - reserved >= $2", connection, transaction);
            command.Parameters.AddWithValue(line.Sku);
            command.Parameters.AddWithValue(line.Quantity);
            if (await command.ExecuteNonQueryAsync(cancel) == 0)
            {
                throw new OutOfStockException(line.Sku);
            }
        }
        await transaction.CommitAsync(cancel);
    }

    public async Task ReceiveAsync(Line line, CancellationToken cancel)
    {
        await using var command = database.CreateCommand(
            "INSERT INTO stock_items (sku, on_hand) VALUES ($1, $2) " +
            "ON CONFLICT (sku) DO UPDATE SET on_hand = stock_items.on_hand + $2, updated_at = now()");
        command.Parameters.AddWithValue(line.Sku);
        command.Parameters.AddWithValue(line.Quantity);
        await command.ExecuteNonQueryAsync(cancel);
    }
}
