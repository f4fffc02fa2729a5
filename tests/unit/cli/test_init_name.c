/* test_init_name: what paths say about streams, and which names mean money. */
#include "fixture.h"

#include "cli/init.h"

static void one_file(void **state)
{
    static const struct {
        const char *path;
        bool glued;
        const char *folder, *stem, *glob;
    } rows[] = {
        {"accounts.json", false, "", "accounts", "accounts.json"},
        {"Orders-2024-01-31.json.gz", false, "", "orders", "Orders-[0-9]*.json.gz"},
        {"2024-01-31_orders.csv", false, "", "orders", "[0-9]*_orders.csv"},
        {"orders_20240131T060000Z.ndjson", false, "", "orders", "orders_[0-9]*.ndjson"},
        {"OrderLines.csv", false, "", "order_lines", "OrderLines.csv"},
        {"part0001.parquet", false, "", "part", "part[0-9]*.parquet"},
        {"part0001.parquet", true, "", "part0001", "part0001.parquet"},
        {"co2.csv", true, "", "co2", "co2.csv"},
        {"orders-v2.json", false, "", "orders", "orders-*.json"},
        {"sales-jan.csv", false, "", "sales", "sales-*.csv"},
        {"jan.csv", false, "", "jan", "jan.csv"}, /* a month alone is a name */
        {"log-4f9d2a1b77aa.json", false, "", "log", "log-[0-9]*.json"},
        {"log-af9d2a1b77aa.json", false, "", "log", "log-*.json"},
        {"deadbeef.json", false, "", "deadbeef", "deadbeef.json"}, /* a word without digits */
        {"e-123e4567-e89b-12d3-a456-426614174000.json", false, "", "e", "e-[0-9]*.json"},
        {"2024.json", false, "", "", "[0-9]*.json"},
        {"year=2024/month=01/orders.json", false, "", "orders", "*/*/orders.json"},
        {"shop/orders-1.json", false, "shop", "orders", "shop/orders-[0-9]*.json"},
        {"orders/2024/01/part-0.csv", false, "orders", "", "orders/[0-9]*/[0-9]*/part-[0-9]*.csv"},
        {"a/b/c.json", false, "a_b", "c", "a/b/c.json"},
        {"data[1].json", false, "", "data", "data?[0-9]*].json"},
        {"a*b{c}.json", false, "", "a_b_c", "a?b?c}.json"},
        {"M\xC3\xBCller.csv", false, "", "m\xC3\xBCller", "M\xC3\xBCller.csv"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tarn__init_name n;
        assert_int_equal(tarn__init_name(*state, tarn_str_view(rows[i].path), rows[i].glued, &n),
                         TARN_OK);
        assert_str(n.folder, rows[i].folder);
        assert_str(n.stem, rows[i].stem);
        assert_str(n.glob, rows[i].glob);
        assert_true(n.known);
    }
}

static void endings(void **state)
{
    static const struct {
        const char *path, *ending;
        bool known;
        enum tarn_file_format family;
    } rows[] = {
        {"a.json", "json", true, TARN_FILE_JSON},
        {"a.NDJSON", "NDJSON", true, TARN_FILE_JSON},
        {"a.tsv.zst", "tsv.zst", true, TARN_FILE_CSV},
        {"a.parquet", "parquet", true, TARN_FILE_PARQUET},
        {"a.b.csv.gz", "csv.gz", true, TARN_FILE_CSV},
        {"a.txt", "txt", false, 0},
        {"a", "", false, 0},
        {"a.gz", "gz", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tarn__init_name n;
        assert_int_equal(tarn__init_name(*state, tarn_str_view(rows[i].path), false, &n), TARN_OK);
        assert_str(n.ending, rows[i].ending);
        assert_int_equal(n.known, rows[i].known);
        if (n.known)
            assert_int_equal(n.family, rows[i].family);
    }
}

static void joined(void **state)
{
    assert_str(tarn__init_join(*state, TARN_STR("shop"), TARN_STR("orders")), "shop_orders");
    assert_str(tarn__init_join(*state, TARN_STR("orders"), TARN_STR("orders")), "orders");
    assert_str(tarn__init_join(*state, TARN_STR("orders"), TARN_STR("orders_late")), "orders_late");
    assert_str(tarn__init_join(*state, TARN_STR("shop_orders"), TARN_STR("orders")), "shop_orders");
    assert_str(tarn__init_join(*state, TARN_STR("orders"), TARN_STR("ordersx")), "orders_ordersx");
    assert_str(tarn__init_join(*state, TARN_STR(""), TARN_STR("orders")), "orders");
    assert_str(tarn__init_join(*state, TARN_STR("orders"), TARN_STR("")), "orders");
}

static void words(void **state)
{
    char longest[300];
    memset(longest, 'a', sizeof longest);
    memcpy(longest + 99, "\xC3\xBC", 2); /* a character that the limit would cut */
    assert_str(tarn__init_word(*state, TARN_STR("Orders"), "x"), "orders");
    assert_str(tarn__init_word(*state, TARN_STR("2024"), "x"), "t_2024");
    assert_str(tarn__init_word(*state, TARN_STR("a -- b!"), "x"), "a_b");
    assert_str(tarn__init_word(*state, TARN_STR("..."), "x"), "x");
    assert_str(tarn__init_word(*state, TARN_STR(""), "x"), "x");
    struct tarn_str cut = tarn__init_word(*state, tarn_str_of(longest, sizeof longest), "x");
    assert_int_equal(cut.len, 99);
    assert_true(tarn_utf8_valid(cut));
}

static void money(void **state)
{
    static const char *const yes[] = {"amount",    "Amount", "unitPrice",
                                      "net_total", "tax2",   "TOTAL"};
    static const char *const no[] = {"amounts_seen", "lat", "weight", "taxi", "totally", ""};
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(tarn__init_is_money(tarn_str_view(yes[i])));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(tarn__init_is_money(tarn_str_view(no[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(one_file), T(endings), T(joined), T(words), T(money)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
