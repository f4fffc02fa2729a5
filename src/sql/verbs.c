/* verbs: the statements that are not the engine's, by their first words. */
#include "sql/sql_int.h"
#include "sql/verbs_int.h"

static const struct {
    const char *word;
    tarn__verb *run;
} verbs[] = {
    {"CREATE", tarn__sql_create},     {"DROP", tarn__sql_drop},      {"ALTER", tarn__sql_alter},
    {"COMMENT", tarn__sql_comment},   {"USE", tarn__sql_use},        {"INSERT", tarn__sql_insert},
    {"TRUNCATE", tarn__sql_truncate}, {"DELETE", tarn__sql_delete},  {"UPDATE", tarn__sql_update},
    {"MERGE", tarn__sql_merge},       {"CALL", tarn__sql_call},      {"SHOW", tarn__sql_show},
    {"DESCRIBE", tarn__sql_describe}, {"DESC", tarn__sql_describe},  {"BEGIN", tarn__sql_begin},
    {"START", tarn__sql_begin},       {"COMMIT", tarn__sql_commit},  {"END", tarn__sql_commit},
    {"ROLLBACK", tarn__sql_rollback}, {"ABORT", tarn__sql_rollback}, {"REPLACE", tarn__sql_create},
    {"SET", tarn__sql_set},           {"RESET", tarn__sql_reset},
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

tarn__verb *tarn__verb_of(const struct tarn__words *w, bool *with)
{
    const char *behind_with = NULL;
    *with = with_statement(w, &behind_with);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (tarn__at(w, verbs[i].word) ||
            (*with && tarn_str_is(tarn_str_view(behind_with), verbs[i].word)))
            return verbs[i].run;
    return NULL;
}
