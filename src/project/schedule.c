/* schedule: `schedule:` of tarn.yaml: five cron fields, a time zone, a selection. */
#include "project/project_int.h"

#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#define ZONES "/usr/share/zoneinfo"

struct schedule_raw {
    const struct tarn_yaml *node;
    struct tarn_str cron, timezone;
    struct tarn_yaml_list select, exclude;
};

static const struct tarn_yaml_field schedule_fields[] = {
    {.type = TARN_YAML_SELF, .offset = offsetof(struct schedule_raw, node)},
    {"cron", TARN_YAML_STRING, offsetof(struct schedule_raw, cron), .required = true,
     .doc = "minute, hour, day of the month, month, day of the week; or `@hourly`, `@daily`, "
            "`@weekly`, `@monthly`, `@yearly`"},
    {"timezone", TARN_YAML_STRING, offsetof(struct schedule_raw, timezone), .preset = "UTC",
     .doc = "such as `Europe/London`"},
    {"select", TARN_YAML_LIST, offsetof(struct schedule_raw, select), .elem = &tarn__text_field,
     .one_is_list = true, .doc = "what to run; everything"},
    {"exclude", TARN_YAML_LIST, offsetof(struct schedule_raw, exclude), .elem = &tarn__text_field,
     .one_is_list = true, .doc = "what not"},
};
const struct tarn_yaml_schema tarn__schedule_schema =
    TARN_YAML_SCHEMA("schedule", struct schedule_raw, schedule_fields);

/* ---- cron */

struct cron_field {
    const char *why; /* what is said when it is wrong */
    int min, max;
    const char *const *names; /* of min, min + 1, ... */
};
static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                     "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
static const struct cron_field cron_fields[] = {
    {"the minute must be 0-59, *, a list, a range or a step", 0, 59, NULL},
    {"the hour must be 0-23, *, a list, a range or a step", 0, 23, NULL},
    {"the day of the month must be 1-31, *, a list, a range or a step", 1, 31, NULL},
    {"the month must be 1-12 or jan-dec, *, a list, a range or a step", 1, 12, months},
    {"the day of the week must be 0-7 or sun-sat, *, a list, a range or a step", 0, 7, days},
};

static bool cron_number(struct tarn_str s, const struct cron_field *f, int *out)
{
    int64_t v;
    for (int i = 0; f->names && f->names[i]; i++)
        if (tarn_str_eq_nocase(s, tarn_str_view(f->names[i]))) {
            *out = f->min + i;
            return true;
        }
    if (s.len == 0 || !isdigit((unsigned char)s.ptr[0]) || !tarn_str_to_i64(s, &v) || v < f->min ||
        v > f->max)
        return false;
    *out = (int)v;
    return true;
}

/* * | n | n-m, each with /step */
static bool cron_item(struct tarn_str s, const struct cron_field *f)
{
    struct tarn_str range, low;
    int64_t step;
    int a, b;
    (void)tarn_str_cut(&s, '/', &range);
    if (s.ptr && (!tarn_str_to_i64(s, &step) || step < 1 || step > f->max))
        return false;
    if (tarn_str_is(range, "*"))
        return true;
    if (!tarn_str_cut(&range, '-', &low))
        return cron_number(low, f, &a);
    return cron_number(low, f, &a) && cron_number(range, f, &b) && a <= b;
}

bool tarn__cron_ok(struct tarn_str cron, const char **out_why)
{
    static const char *const words[] = {"@hourly", "@daily", "@weekly", "@monthly", "@yearly"};
    struct tarn_str rest = tarn_str_trim(cron), field, item;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (tarn_str_is(rest, words[i]))
            return true;
    for (size_t i = 0; i < sizeof cron_fields / sizeof *cron_fields; i++) {
        *out_why = "it has five fields: minute, hour, day of the month, month, day of the week";
        if (!rest.ptr || rest.len == 0)
            return false;
        (void)tarn_str_cut(&rest, ' ', &field);
        rest = rest.ptr ? tarn_str_trim(rest) : rest;
        *out_why = cron_fields[i].why;
        while (field.ptr) {
            (void)tarn_str_cut(&field, ',', &item);
            if (!cron_item(item, &cron_fields[i]))
                return false;
        }
    }
    *out_why = "it has more than five fields";
    return !rest.ptr;
}

/* ---- time zones */

static enum tarn_status check_zone(struct tarn_op *op, const struct schedule_raw *raw)
{
    char path[256];
    bool ok = raw->timezone.len > 0 && raw->timezone.len < 64 &&
              isalpha((unsigned char)raw->timezone.ptr[0]);
    for (size_t i = 0; ok && i < raw->timezone.len; i++)
        ok = isalnum((unsigned char)raw->timezone.ptr[i]) || strchr("_/+-", raw->timezone.ptr[i]);
    if (ok && !tarn_str_is(raw->timezone, "UTC") && access(ZONES "/Etc/UTC", R_OK) == 0) {
        (void)snprintf(path, sizeof path, ZONES "/%.*s", TARN_STR_ARG(raw->timezone));
        ok = access(path, R_OK) == 0;
    }
    if (ok)
        return TARN_OK;
    enum tarn_status status =
        tarn_yaml_fail(op, tarn_yaml_get(raw->node, "timezone"), "there is no time zone \"%.*s\"",
                       TARN_STR_ARG(raw->timezone));
    tarn_hint(op, "names are those of the IANA data base, such as Europe/London");
    return status;
}

/* ---- schedules */

static enum tarn_status check_selectors(struct tarn_op *op, const struct tarn_strs *list)
{
    char message[TARN_REPORT_TEXT];
    for (size_t i = 0; i < list->count; i++) {
        enum tarn_status status = tarn_selector_check(op, list->items[i]);
        if (status == TARN_OK)
            continue;
        if (status != TARN_USAGE)
            return status;
        memcpy(message, op->report.message, sizeof message);
        return tarn_yaml_fail(op, tarn_strs_node(list, i), "%s", message);
    }
    return TARN_OK;
}

static enum tarn_status load_one(struct tarn_op *op, struct tarn_str name,
                                 const struct schedule_raw *raw, struct tarn_schedule *out)
{
    const char *why;
    *out = (struct tarn_schedule){
        .name = name, .cron = raw->cron, .timezone = raw->timezone, .node = raw->node};
    if (!tarn__name_ok(name))
        return tarn_yaml_fail_key(op, raw->node,
                                  "\"%.*s\" is no name of a schedule: letters, digits, _ and -",
                                  TARN_STR_ARG(name));
    if (!tarn__cron_ok(raw->cron, &why))
        return tarn_yaml_fail(op, tarn_yaml_get(raw->node, "cron"), "\"%.*s\" is no cron time: %s",
                              TARN_STR_ARG(raw->cron), why);
    TARN_TRY(check_zone(op, raw));
    TARN_TRY(tarn__strs_of(op, &raw->select, &out->select));
    TARN_TRY(tarn__strs_of(op, &raw->exclude, &out->exclude));
    TARN_TRY(check_selectors(op, &out->select));
    return check_selectors(op, &out->exclude);
}

enum tarn_status tarn__schedules_load(struct tarn_op *op, const struct tarn_yaml_map *map,
                                      struct tarn_project *p)
{
    const struct schedule_raw *raws = map->items;
    TARN_NEW_ARRAY(op, p->schedules, map->count);
    for (size_t i = 0; i < map->count; i++)
        TARN_TRY(load_one(op, map->names[i], &raws[i], &p->schedules[i]));
    p->schedule_count = map->count;
    return TARN_OK;
}
