/* meta: metadata columns, which a statement gets by naming them. */
#include "engine/duckdb/engine_int.h"

unsigned tarn__meta_words(struct tarn_str sql)
{
    unsigned out = 0;
    struct tarn_sql_token t;
    for (size_t p = 0; tarn_sql_token(sql, p, &t); p = t.end) {
        struct tarn_str word = tarn_str_of(sql.ptr + t.begin, t.end - t.begin);
        if (t.kind == TARN_SQL_QUOTED && word.len >= 2)
            word = tarn_str_of(word.ptr + 1, word.len - 2);
        if ((t.kind == TARN_SQL_WORD || t.kind == TARN_SQL_QUOTED) && word.ptr[0] == '_')
            out |= tarn__meta_of(word);
    }
    return out;
}

unsigned tarn__meta_missing(unsigned set, const struct tarn_type *root)
{
    for (size_t i = 0; set && i < root->field_count; i++)
        set &= ~tarn__meta_of(root->fields[i].name);
    return set;
}

void tarn__meta_columns(struct tarn_buf *b, unsigned set)
{
    for (unsigned one = 1; one < TARN__META_ALL; one <<= 1) {
        const char *type = "BIGINT";
        if (one == TARN__META_FILE)
            type = "VARCHAR";
        else if (one == TARN__META_SPEC_ID)
            type = "INTEGER";
        if (set & one)
            tarn_buf_printf(b, ", \"%s\" %s", tarn__meta_name((enum tarn__meta)one), type);
    }
}
