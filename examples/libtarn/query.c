/* query: a program outside of Tarn that works with a warehouse through libtarn.
 *
 *     make install PREFIX=$HOME/tarn                  in Tarn's folder
 *     export PKG_CONFIG_PATH=$HOME/tarn/lib/pkgconfig
 *     cc query.c -o query $(pkg-config --cflags --libs --static tarn)
 *     ./query ../accounting/warehouse "select entry_id, total_debit from curated.fq_app_journal_entries_gold order by 1"
 */
#include <stdio.h>
#include <tarn/tarn.h>

static int print(struct tarn_cursor *cursor)
{
    size_t columns = tarn_cursor_column_count(cursor);
    int more;
    if (columns == 0) { /* a statement that has no rows to read: INSERT, CREATE TABLE */
        printf("%s %lld\n", tarn_cursor_tag(cursor), (long long)tarn_cursor_affected(cursor));
        return 0;
    }
    for (size_t i = 0; i < columns; i++)
        printf("%s%s", i ? "\t" : "", tarn_cursor_column_name(cursor, i));
    putchar('\n');
    while ((more = tarn_cursor_next(cursor)) == 1) {
        for (size_t i = 0; i < columns; i++) {
            const char *text = tarn_cursor_text(cursor, i);
            printf("%s%s", i ? "\t" : "", text ? text : "NULL");
        }
        putchar('\n');
    }
    return more;
}

int main(int argc, char **argv)
{
    struct tarn_warehouse *warehouse;
    struct tarn_cursor *cursor = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: query WAREHOUSE SQL\n");
        return 2;
    }
    int code = tarn_warehouse_open(argv[1], NULL, &warehouse);
    if (code == 0)
        code = tarn_warehouse_query(warehouse, argv[2], &cursor);
    if (code == 0 && print(cursor) < 0)
        code = 1;
    if (code != 0)
        fprintf(stderr, "query: %s\n", tarn_warehouse_error(warehouse));
    tarn_cursor_close(cursor);
    tarn_warehouse_close(warehouse);
    return code;
}
