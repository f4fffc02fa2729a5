"""examples/sales-analysis: five results and three charts, worked out by hand from its two files.

Net values (cents; gross x 100 / (100 + vat), half up):
  1  324222,  0 % -> 324222            5  145467,  0 % -> 145467
  2  193498, 19 % -> 162603.36 162603  6   10050, 50 % ->   6700
  3  345498, 21 % -> 285535.54 285536  7    1005, 7.5 % ->   934.88 935
  4  245412, 34 % -> 183143.28 183143  8     100, 60 % ->    62.5  63 (half a cent goes up)
Commissions (first owner 6 %, second 2.5 %, third 0.95 %; the fourth of order 4, Karl Ask, earns nothing there):
  Nils Berg  2 x 6 %: 97.5618; 3 x 6 %: 171.3216; 1 x 2.5 %: 81.0555; 6 x 2.5 %: 1.675; 4 x 0.95 %: 17.398585  = 369.012485
  Vera Holm  1 x 6 %: 194.5332; 8 x 6 %: 0.0378; 4 x 2.5 %: 45.78575; 5 x 2.5 %: 36.36675                       = 276.7235
  Omar Said  4 x 6 %: 109.8858; 2 x 2.5 %: 40.65075; 7 x 0.95 %: 0.088825                                       = 150.625375
  Ida Sand   5 x 6 %: 87.2802; 1 x 0.95 %: 30.80109                                                             = 118.08129
  Lena Ek    6 x 6 %: 4.02; 7 x 2.5 %: 0.23375; 2 x 0.95 %: 15.447285                                           = 19.701035
  Karl Ask   7 x 6 %: 0.561
Companies: "Nordfrukt AB" (c0-101) and "nordfrukt a.b." (c0-103) are one, and so are "Mercato Verde" (c0-102) and
"MERCATO-VERDE" (c0-006): the smallest id and its name stand for both. Order 4 stands twice in the file and counts once.
"""

import pytest


@pytest.fixture
def done(sales):
    sales("run")
    return sales


def test_net_values(done):
    assert done.rows("select order_id, gross_value, net_value from curated.sales_invoices order by 1") == [
        ("d3a1-0001", "3242.22", "3242.22"),
        ("d3a1-0002", "1934.98", "1626.03"),
        ("d3a1-0003", "3454.98", "2855.36"),
        ("d3a1-0004", "2454.12", "1831.43"),
        ("d3a1-0005", "1454.67", "1454.67"),
        ("d3a1-0006", "100.50", "67.00"),
        ("d3a1-0007", "10.05", "9.35"),
        ("d3a1-0008", "1.00", "0.63"),
    ]


def test_crates_per_company(done):
    assert done.rows("select * from curated.crate_distribution order by company_id, crate_type") == [
        ("c0-006", "MERCATO-VERDE", "Plastic", "1"),
        ("c0-006", "MERCATO-VERDE", "Wood", "2"),
        ("c0-101", "Nordfrukt AB", "Metal", "1"),
        ("c0-101", "Nordfrukt AB", "Plastic", "1"),
        ("c0-104", "Hafen & Söhne", "Plastic", "1"),
        ("c0-105", "Polder Groenten", "Metal", "1"),
        ("c0-105", "Polder Groenten", "Plastic", "1"),
    ]


def test_contact_names(done):
    assert done.rows("select * from curated.order_contact_names order by order_id") == [
        ("d3a1-0001", "Sven Alm"),
        ("d3a1-0002", "Giulia Neri"),
        ("d3a1-0003", "Pia Lund"),  # an object, not an array of one
        ("d3a1-0004", "John Doe"),  # no contact data
        ("d3a1-0005", "John Doe"),  # cut JSON
        ("d3a1-0006", "John Doe"),  # no names in it
        ("d3a1-0007", "John Doe"),  # an empty array
        ("d3a1-0008", "Anouk"),  # no surname
    ]


def test_contact_addresses(done):
    assert done.rows("select * from curated.order_contact_addresses order by order_id") == [
        ("d3a1-0001", "Malmö, 21120"),
        ("d3a1-0002", "Bologna, UNK00"),
        ("d3a1-0003", "Ystad, 27131"),  # a number in the JSON
        ("d3a1-0004", "Unknown, UNK00"),
        ("d3a1-0005", "Unknown, UNK00"),
        ("d3a1-0006", "Roma, 00185"),
        ("d3a1-0007", "Unknown, UNK00"),
        ("d3a1-0008", "Unknown, 5912"),
    ]


def test_commissions(done):
    assert done.rows("select * from curated.sales_commissions order by commission desc") == [
        ("Nils Berg", "369.01"),
        ("Vera Holm", "276.72"),
        ("Omar Said", "150.63"),
        ("Ida Sand", "118.08"),
        ("Lena Ek", "19.70"),
        ("Karl Ask", "0.56"),
    ]


def test_owners_per_company(done):
    assert done.rows("select * from curated.company_salesowners order by company_id") == [
        ("c0-006", "MERCATO-VERDE", "Karl Ask, Lena Ek, Nils Berg, Omar Said"),
        ("c0-101", "Nordfrukt AB", "Ida Sand, Nils Berg, Vera Holm"),
        ("c0-104", "Hafen & Söhne", "Karl Ask, Nils Berg, Omar Said, Vera Holm"),
        ("c0-105", "Polder Groenten", "Ida Sand, Vera Holm"),
    ]


def test_chart_of_crate_types(done):
    assert done.rows("select * from curated.chart_crate_types order by crate_type") == [
        ("Metal", "2", "25.0"),
        ("Plastic", "4", "50.0"),
        ("Wood", "2", "25.0"),
    ]


def test_chart_of_owners_to_train(done):
    # the last order is of May 2023, so June 2022 to May 2023: orders 4, 5 and 6
    assert done.rows("select * from curated.chart_owner_plastic_orders order by plastic_orders, sales_owner") == [
        ("Ida Sand", "1"),
        ("Karl Ask", "1"),
        ("Lena Ek", "1"),
        ("Omar Said", "1"),
        ("Nils Berg", "2"),
        ("Vera Holm", "2"),
    ]


def test_chart_of_top_owners(done):
    rows = done.rows("select month, string_agg(sales_owner || ' ' || plastic_orders, ', ' order by place) from curated.chart_plastic_top_owners group by month order by month")
    january, july, october, december = (
        "Ida Sand 1, Nils Berg 1, Vera Holm 1",  # order 1
        "Karl Ask 1, Nils Berg 1, Omar Said 1, Vera Holm 1",  # order 4
        "Ida Sand 1, Vera Holm 1",  # order 5; order 4 is out of its three months
        "Ida Sand 1, Lena Ek 1, Nils Berg 1, Vera Holm 1",  # orders 5 and 6
    )
    assert rows == [
        ("2022-01-01", january),
        ("2022-02-01", january),
        ("2022-03-01", january),
        ("2022-07-01", july),
        ("2022-08-01", july),
        ("2022-09-01", july),
        ("2022-10-01", october),
        ("2022-11-01", october),
        ("2022-12-01", december),
        ("2023-01-01", "Lena Ek 1, Nils Berg 1"),
        ("2023-02-01", "Lena Ek 1, Nils Berg 1"),
    ]


def test_raw_orders_keep_the_text_of_the_file(done):
    assert done.one("select count(*) from raw.sales_orders") == "9"
    assert done.rows("select date, contact_data from raw.sales_orders where order_id = 'd3a1-0006'") == [
        ("31.12.22", '[{"city": "Roma", "cp": "00185"}]')
    ]
    assert done.rows('select id, "orderId", "grossValue", vat from raw.sales_invoices where id = \'i-0007\'') == [
        ("i-0007", "d3a1-0007", "1005", "7.5")
    ]


def test_a_second_run_writes_nothing(done):
    tree, pointers = done.tree(), done.pointers()
    assert "up to date" in done("run").text
    assert (done.tree(), done.pointers()) == (tree, pointers)
