/* properties: which properties of tables there are, and what they may be set to.
 *
 * Those that Tarn reads are checked; those of Iceberg's that other engines read are kept as they
 * are; unknown ones too, with a notice. What Iceberg reserves for itself is refused.
 */
#include "sql/ddl_int.h"

enum kind { ANY, NUMBER, SWITCH, WORD, METRICS, REFUSED };

static const struct {
    const char *key; /* a dot at its end: all that begin so */
    enum kind kind;
    int64_t min, max;  /* NUMBER */
    const char *words; /* WORD: "a|b" */
} known[] = {
    {"format-version", NUMBER, 1, 3, NULL},
    {"comment", ANY, 0, 0, NULL},
    {"write.format.default", WORD, 0, 0, "parquet"},
    {"write.delete.format.default", WORD, 0, 0, "parquet|puffin"},
    {"write.parquet.row-group-size-bytes", NUMBER, 1 << 16, (int64_t)1 << 40, NULL},
    {"write.parquet.compression-codec", WORD, 0, 0,
     "zstd|snappy|gzip|lz4|brotli|uncompressed|none"},
    {"write.parquet.compression-level", NUMBER, -100, 22, NULL},
    {"write.target-file-size-bytes", NUMBER, 1 << 16, (int64_t)1 << 40, NULL},
    {"write.delete.target-file-size-bytes", NUMBER, 1 << 16, (int64_t)1 << 40, NULL},
    {"write.distribution-mode", WORD, 0, 0, "none|hash|range"},
    {"write.delete.distribution-mode", WORD, 0, 0, "none|hash|range"},
    {"write.update.distribution-mode", WORD, 0, 0, "none|hash|range"},
    {"write.merge.distribution-mode", WORD, 0, 0, "none|hash|range"},
    {"write.delete.mode", WORD, 0, 0, "copy-on-write|merge-on-read"},
    {"write.update.mode", WORD, 0, 0, "copy-on-write|merge-on-read"},
    {"write.merge.mode", WORD, 0, 0, "copy-on-write|merge-on-read"},
    {"write.delete.isolation-level", WORD, 0, 0, "serializable|snapshot"},
    {"write.update.isolation-level", WORD, 0, 0, "serializable|snapshot"},
    {"write.merge.isolation-level", WORD, 0, 0, "serializable|snapshot"},
    {"write.delete.granularity", WORD, 0, 0, "file|partition"},
    {"write.metadata.metrics.default", METRICS, 0, 0, NULL},
    {"write.metadata.metrics.column.", METRICS, 0, 0, NULL},
    {"write.metadata.metrics.max-inferred-column-defaults", NUMBER, 0, INT32_MAX, NULL},
    {"write.metadata.delete-after-commit.enabled", SWITCH, 0, 0, NULL},
    {"write.metadata.previous-versions-max", NUMBER, 1, INT32_MAX, NULL},
    {"write.metadata.compression-codec", WORD, 0, 0, "none|gzip"},
    {"write.object-storage.enabled", SWITCH, 0, 0, NULL},
    {"write.object-storage.partitioned-paths", SWITCH, 0, 0, NULL},
    {"write.spark.fanout.enabled", SWITCH, 0, 0, NULL},
    {"write.wap.enabled", SWITCH, 0, 0, NULL},
    {"tarn.overwrite-mode", WORD, 0, 0, "static|dynamic"},
    {"tarn.write.delete-files", WORD, 0, 0, "position|equality"},
    {"commit.retry.num-retries", NUMBER, 0, INT32_MAX, NULL},
    {"history.expire.max-snapshot-age-ms", NUMBER, 0, INT64_MAX, NULL},
    {"history.expire.min-snapshots-to-keep", NUMBER, 1, INT32_MAX, NULL},
    {"history.expire.max-ref-age-ms", NUMBER, 0, INT64_MAX, NULL},
    {"gc.enabled", SWITCH, 0, 0, NULL},
    {"schema.name-mapping.default", ANY, 0, 0, NULL},
    {"write.", ANY, 0, 0, NULL},
    {"read.", ANY, 0, 0, NULL},
    {"commit.", ANY, 0, 0, NULL},
    {"history.", ANY, 0, 0, NULL},
    {"compatibility.", ANY, 0, 0, NULL},
    {"tarn.position.", REFUSED, 0, 0, NULL},
    {"tarn.model", REFUSED, 0, 0, NULL},
    {"tarn.", ANY, 0, 0, NULL},
    {"owner", ANY, 0, 0, NULL},
    {"provider", ANY, 0, 0, NULL},
    {"engine.hive.enabled", ANY, 0, 0, NULL},
    {"uuid", REFUSED, 0, 0, NULL},
    {"location", REFUSED, 0, 0, NULL},
    {"snapshot-count", REFUSED, 0, 0, NULL},
    {"current-snapshot-id", REFUSED, 0, 0, NULL},
    {"current-snapshot-summary", REFUSED, 0, 0, NULL},
    {"current-snapshot-timestamp-ms", REFUSED, 0, 0, NULL},
    {"current-schema", REFUSED, 0, 0, NULL},
    {"default-partition-spec", REFUSED, 0, 0, NULL},
    {"default-sort-order", REFUSED, 0, 0, NULL},
};

static bool is_key(struct tarn_str key, const char *entry)
{
    struct tarn_str e = tarn_str_view(entry);
    return tarn_str_ends(e, TARN_STR(".")) ? tarn_str_starts(key, e) : tarn_str_eq(key, e);
}

static bool is_word(struct tarn_str value, const char *words)
{
    struct tarn_str rest = tarn_str_view(words), one;
    while (rest.ptr) {
        (void)tarn_str_cut(&rest, '|', &one);
        if (tarn_str_eq_nocase(value, one))
            return true;
    }
    return false;
}

static bool is_metrics(struct tarn_str v)
{
    int64_t n;
    if (is_word(v, "none|counts|full"))
        return true;
    return tarn_str_starts(v, TARN_STR("truncate(")) && tarn_str_ends(v, TARN_STR(")")) &&
           tarn_str_to_i64(tarn_str_of(v.ptr + 9, v.len - 10), &n) && n > 0 && n < INT32_MAX;
}

static enum tarn_status fail_value(struct tarn_op *op, struct tarn_str key, struct tarn_str value,
                                   size_t i)
{
    (void)tarn_fail(op, TARN_INVALID, "property \"%.*s\" cannot be \"%.*s\"", TARN_STR_ARG(key),
                    TARN_STR_ARG(value));
    if (known[i].kind == NUMBER)
        tarn_hint(op, "a whole number from %lld to %lld", (long long)known[i].min,
                  (long long)known[i].max);
    else if (known[i].kind == SWITCH)
        tarn_hint(op, "true or false");
    else if (known[i].kind == WORD)
        tarn_hint(op, "one of %s", known[i].words);
    else
        tarn_hint(op, "none, counts, full or truncate(n)");
    return TARN_INVALID;
}

enum tarn_status tarn__property_check(struct tarn_op *op, struct tarn_str key,
                                      struct tarn_str value, bool *out_known)
{
    int64_t n;
    bool good = true;
    size_t i = 0, count = sizeof known / sizeof known[0];
    *out_known = false;
    if (key.len == 0)
        return tarn_fail(op, TARN_INVALID, "a property's name cannot be empty");
    while (i < count && !is_key(key, known[i].key))
        i++;
    if (i == count)
        return TARN_OK;
    *out_known = true;
    switch (known[i].kind) {
    case ANY:
        break;
    case NUMBER:
        good = tarn_str_to_i64(value, &n) && n >= known[i].min && n <= known[i].max;
        break;
    case SWITCH:
        good = is_word(value, "true|false");
        break;
    case WORD:
        good = is_word(value, known[i].words);
        break;
    case METRICS:
        good = is_metrics(value);
        break;
    case REFUSED:
        return tarn_fail(op, TARN_INVALID, "property \"%.*s\" is not for statements to set",
                         TARN_STR_ARG(key));
    }
    return good ? TARN_OK : fail_value(op, key, value, i);
}
