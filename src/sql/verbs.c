/* verbs: the statements that are not the engine's, by their first words. */
#include "sql/sql_int.h"
#include "sql/verbs_int.h"

static const struct tarn__verb_row verbs[] = {
    {"CREATE", tarn__sql_create, true},   {"REPLACE", tarn__sql_create, true},
    {"DROP", tarn__sql_drop, true},       {"ALTER", tarn__sql_alter, true},
    {"COMMENT", tarn__sql_comment, true}, {"USE", tarn__sql_use, false},
    {"INSERT", tarn__sql_insert, false},  {"TRUNCATE", tarn__sql_truncate, false},
    {"DELETE", tarn__sql_delete, false},  {"UPDATE", tarn__sql_update, false},
    {"MERGE", tarn__sql_merge, false},    {"CALL", tarn__sql_call, false},
    {"SHOW", tarn__sql_show, false},      {"DESCRIBE", tarn__sql_describe, false},
    {"DESC", tarn__sql_describe, false},  {"BEGIN", tarn__sql_begin, false},
    {"START", tarn__sql_begin, false},    {"COMMIT", tarn__sql_commit, false},
    {"END", tarn__sql_commit, false},     {"ROLLBACK", tarn__sql_rollback, false},
    {"ABORT", tarn__sql_rollback, false}, {"SET", tarn__sql_set, false},
    {"RESET", tarn__sql_reset, false},
};

/* "WITH a AS (..), b AS (..) INSERT ..": the first word behind the common table expressions. */
static bool with_statement(const struct tarn__words *start, const char **out)
{
    struct tarn__words w = *start;
    static const char *const words[] = {"INSERT", "UPDATE", "DELETE", "MERGE"};
    if (!tarn__take(&w, "WITH"))
        return false;
    (void)tarn__take_until(&w, "SELECT|INSERT|UPDATE|DELETE|MERGE|FROM|VALUES");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (tarn__at(&w, words[i])) {
            *out = words[i];
            return true;
        }
    return false;
}

const struct tarn__verb_row *tarn__verb_of(const struct tarn__words *w, bool *with)
{
    const char *behind_with = NULL;
    *with = with_statement(w, &behind_with);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (tarn__at(w, verbs[i].word) ||
            (*with && tarn_str_is(tarn_str_view(behind_with), verbs[i].word)))
            return &verbs[i];
    return NULL;
}
