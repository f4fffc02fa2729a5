/* volatile: does a query's answer depend on more than the tables that it reads? Told by its words:
 * one too many (in a text, a comment, as a column's name) only makes it run more often than it
 * must.
 */
#include "sched/sched_int.h"

#define VIEW_DEPTH_MAX 64

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool in_words(struct tarn_str word, const char *const *words)
{
    for (; *words; words++)
        if (tarn_str_eq_nocase(word, tarn_str_view(*words)))
            return true;
    return false;
}

static bool opens_call(struct tarn_str sql, size_t at)
{
    while (at < sql.len && (sql.ptr[at] == ' ' || sql.ptr[at] == '\n' || sql.ptr[at] == '\t'))
        at++;
    return at < sql.len && sql.ptr[at] == '(';
}

bool tarn__is_volatile(struct tarn_str sql)
{
    static const char *const words[] = {"current_date",
                                        "current_time",
                                        "current_timestamp",
                                        "current_localtime",
                                        "current_localtimestamp",
                                        "localtime",
                                        "localtimestamp",
                                        "tablesample",
                                        NULL};
    static const char *const calls[] = {"now",
                                        "today",
                                        "get_current_timestamp",
                                        "get_current_time",
                                        "transaction_timestamp",
                                        "age",
                                        "unix_timestamp",
                                        "random",
                                        "setseed",
                                        "uuid",
                                        "uuidv4",
                                        "uuidv7",
                                        "gen_random_uuid",
                                        "read_csv",
                                        "read_csv_auto",
                                        "sniff_csv",
                                        "read_json",
                                        "read_json_auto",
                                        "read_ndjson",
                                        "read_ndjson_auto",
                                        "read_json_objects",
                                        "read_text",
                                        "read_blob",
                                        "read_parquet",
                                        "parquet_scan",
                                        "glob",
                                        NULL};
    for (size_t at = 0; at < sql.len;) {
        size_t begin = at;
        while (at < sql.len && is_word_byte(sql.ptr[at]))
            at++;
        struct tarn_str word = tarn_str_of(sql.ptr + begin, at - begin);
        if (in_words(word, words) || (in_words(word, calls) && opens_call(sql, at)))
            return true;
        at += at == begin;
    }
    return false;
}

static bool reads_volatile(const struct tarn_node *node, int depth)
{
    for (size_t i = 0; i < node->input_count && depth < VIEW_DEPTH_MAX; i++) {
        const struct tarn_node *in = node->inputs[i].node;
        if (in && in->kind == TARN_NODE_MODEL && in->model->kind == TARN_MODEL_VIEW &&
            (tarn__is_volatile(in->model->sql) || reads_volatile(in, depth + 1)))
            return true;
    }
    return false;
}

bool tarn__reads_volatile(const struct tarn_node *node)
{
    return reads_volatile(node, 0);
}
