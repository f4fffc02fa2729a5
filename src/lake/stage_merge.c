/* stage_merge: manifests that grew small by many commits become one, as Iceberg Java's merging
 * append has it: packed from the oldest on into bins of commit.manifest.target-size-bytes (8 MB);
 * the bin of the newest manifest waits until it holds commit.manifest.min-count-to-merge (100).
 * commit.manifest-merge.enabled=false keeps them apart.
 */
#include "lake/change_int.h"

struct merger {
    struct tarn_change *c;
    struct tarn_op *op;
    const struct tarn_metadata *m;
    int64_t target_bytes, min_count;
    const struct tarn__plan *plan;
    struct tarn__pending *out; /* filled from behind */
    size_t at;
};

static int64_t number(const struct tarn_metadata *m, const char *key, int64_t otherwise)
{
    const struct tarn_str *text = tarn_kvs_get(&m->properties, key);
    int64_t n;
    return text && tarn_str_to_i64(*text, &n) && n > 0 ? n : otherwise;
}

/* One manifest out of several: what was deleted before this snapshot is left out. */
static enum tarn_status merge(struct merger *g, const size_t *members, size_t count,
                              struct tarn__pending *out)
{
    struct tarn_manifest_entry *all = NULL;
    size_t n = 0, cap = 0;
    for (size_t i = 0; i < count; i++) {
        const struct tarn__pending *p = &g->plan->items[members[i]];
        struct tarn_manifest manifest = {.count = p->count};
        const struct tarn_manifest_entry *from = p->entries;
        if (p->carried) {
            TARN_TRY(tarn_table_manifest(g->c->lake, g->op, g->m, p->carried, &manifest));
            from = manifest.entries;
        }
        if (n + manifest.count > cap) {
            struct tarn_manifest_entry *grown;
            cap = (n + manifest.count) * 2;
            TARN_NEW_ARRAY(g->op, grown, cap);
            if (n)
                memcpy(grown, all, n * sizeof *grown);
            all = grown;
        }
        for (size_t k = 0; k < manifest.count; k++) {
            if (p->carried && from[k].status == TARN_ENTRY_DELETED)
                continue;
            all[n] = from[k];
            if (p->carried)
                all[n].status = TARN_ENTRY_EXISTING;
            n++;
        }
    }
    *out = (struct tarn__pending){NULL, all, n, g->plan->items[members[0]].spec_id,
                                  g->plan->items[members[0]].deletes};
    return TARN_OK;
}

/* members: indexes of one bin, ascending. `newest`: the group's first manifest is in it. */
static enum tarn_status close_bin(struct merger *g, const size_t *members, size_t count,
                                  bool newest)
{
    if (count == 0)
        return TARN_OK;
    if (count == 1 || (newest && (int64_t)count < g->min_count)) {
        for (size_t i = count; i-- > 0;)
            g->out[--g->at] = g->plan->items[members[i]];
        return TARN_OK;
    }
    return merge(g, members, count, &g->out[--g->at]);
}

/* The manifests of one spec and content. */
static enum tarn_status merge_group(struct merger *g, const size_t *members, size_t count)
{
    size_t end = count; /* of the bin, from behind */
    int64_t size = 0;
    for (size_t i = count; i-- > 0;) {
        const struct tarn__pending *p = &g->plan->items[members[i]];
        int64_t length = p->carried ? p->carried->length_bytes : 0;
        if (end > i + 1 && size + length > g->target_bytes) {
            TARN_TRY(close_bin(g, members + i + 1, end - i - 1, false));
            end = i + 1;
            size = 0;
        }
        size += length;
    }
    return close_bin(g, members, end, true);
}

enum tarn_status tarn__plan_merge(struct tarn_change *c, struct tarn_op *op,
                                  const struct tarn_metadata *m, struct tarn__plan *plan)
{
    const struct tarn_str *enabled = tarn_kvs_get(&m->properties, "commit.manifest-merge.enabled");
    struct merger g = {.c = c, .op = op, .m = m, .plan = plan};
    size_t *members, seen = 0;
    if (enabled && tarn_str_eq_nocase(*enabled, TARN_STR("false")))
        return TARN_OK;
    g.target_bytes = number(m, "commit.manifest.target-size-bytes", INT64_C(8) << 20);
    g.min_count = number(m, "commit.manifest.min-count-to-merge", 100);
    TARN_NEW_ARRAY(op, g.out, plan->count + 1);
    TARN_NEW_ARRAY(op, members, plan->count + 1);
    g.at = plan->count;
    for (int deletes = 1; deletes >= 0; deletes--)
        for (size_t s = m->spec_count; s-- > 0;) {
            size_t n = 0;
            for (size_t i = 0; i < plan->count; i++)
                if (plan->items[i].deletes == (deletes == 1) &&
                    plan->items[i].spec_id == m->specs[s].spec_id)
                    members[n++] = i;
            TARN_TRY(merge_group(&g, members, n));
            seen += n;
        }
    if (seen != plan->count)
        return tarn_fail(op, TARN_CORRUPT,
                         "table " TARN_IDENT_FMT
                         " has manifests of a partition spec that its metadata does not have",
                         TARN_IDENT_ARG(c->ident));
    plan->items = g.out + g.at;
    plan->count -= g.at;
    return TARN_OK;
}
