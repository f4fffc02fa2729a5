/* json_doc: reads a document along its plan, straight into columns. See decode_int.h for the two
 * passes.
 *
 * Keys mostly come in the order of the last document: each field remembers which one followed
 * it, so that a key is compared once and not looked up. Every step relies on the zero byte
 * behind the text (json_scan.h).
 */
#include "flow/decode_int.h"

#include "flow/json_scan.h"

static const char *read_value(struct tarn__decode *d, struct tarn__plan *n, const char *p);

/* ---- values without children */

static const char *read_text(struct tarn__decode *d, struct tarn__plan *n, const char *p)
{
    struct tarn__value v = {.kind = TARN__V_TEXT, .seen = {.flags = TARN__S_TEXT}};
    const char *end;
    if (n->kind == TARN_TYPE_STRING) {
        /* Plain text is copied while it is scanned; room is made for what the document may still
         * hold. */
        struct tarn__column *c = n->column;
        size_t most = c->bytes_cap - c->bytes_len;
        if (__builtin_expect(c->length < c->cap && most >= (size_t)(d->end - p) + 32, 1)) {
            char *dst = c->bytes + c->bytes_len;
            end = tarn__copy_plain(p, dst);
            if (__builtin_expect(*end == '"', 1)) {
                tarn__observe(d, n, v.seen);
                tarn__column_text_end(c, (size_t)(end - p));
                return end + 1;
            }
        }
    }
    v.raw.ptr = p - 1;
    end = tarn__json_text(d, p, &v.text);
    if (!end)
        return NULL;
    v.raw.len = (size_t)(end - v.raw.ptr);
    return tarn__put(d, n, &v) ? end : NULL;
}

static const char *put_number(struct tarn__decode *d, struct tarn__plan *n,
                              const struct tarn__number *number)
{
    struct tarn__value v = {.kind = TARN__V_NUMBER,
                            .seen = number->seen,
                            .text = number->text,
                            .raw = number->text,
                            .number = *number};
    return tarn__store(d, n, &v) ? number->text.ptr + number->text.len : NULL;
}

/* Few digits into a decimal: false if the long way must decide. */
static inline bool quick_decimal(const struct tarn__column *c, const struct tarn__number *n,
                                 __int128 *out)
{
    int64_t shift = c->type->scale + n->exponent;
    int whole = c->type->precision - c->type->scale;
    if (n->significant > 18 || shift < 0 || shift > 18 || n->seen.whole_digits > whole)
        return false;
    unsigned __int128 v = (unsigned __int128)n->mantissa * tarn__powers_of_ten[shift];
    *out = n->negative ? -(__int128)v : (__int128)v;
    return true;
}

static inline const char *read_number(struct tarn__decode *d, struct tarn__plan *n, const char *p)
{
    struct tarn__number number;
    __int128 unscaled;
    bool ok = true;
    const char *end = tarn__number_scan(p, &number);
    if (!end)
        return tarn__letter_at(d, p, "a number has not the form of one");
    tarn__observe(d, n, number.seen);
    switch (n->kind) {
    case TARN_TYPE_LONG:
        if ((number.seen.flags & (TARN__S_INT | TARN__S_NOT_LONG)) != TARN__S_INT)
            return put_number(d, n, &number);
        ok = tarn__column_append_long(n->column, number.negative ? (int64_t)(0 - number.mantissa)
                                                                 : (int64_t)number.mantissa);
        break;
    case TARN_TYPE_DOUBLE:
        if (number.seen.flags & TARN__S_NOT_DOUBLE)
            return put_number(d, n, &number);
        ok = tarn__column_append_double(n->column, tarn__number_to_double(&number));
        break;
    case TARN_TYPE_DECIMAL:
        if (!quick_decimal(n->column, &number, &unscaled))
            return put_number(d, n, &number);
        ok = tarn__column_append_int128(n->column, unscaled);
        break;
    case TARN__PLAN_NONE:
        break;
    default:
        return put_number(d, n, &number);
    }
    if (!ok)
        (void)tarn__no_room(d);
    return ok ? end : NULL;
}

static const char *read_word(struct tarn__decode *d, struct tarn__plan *n, const char *p)
{
    struct tarn__value v = {.kind = TARN__V_BOOL, .seen = {.flags = TARN__S_BOOL}};
    const char *end = *p == 't'   ? tarn__pass_word(p, "true", 4)
                      : *p == 'f' ? tarn__pass_word(p, "false", 5)
                                  : tarn__pass_word(p, "null", 4);
    if (!end)
        return tarn__letter_at(d, p, "expected a value");
    if (*p == 'n')
        v.kind = TARN__V_NULL;
    v.boolean = *p == 't';
    v.raw = tarn_str_of(p, (size_t)(end - p));
    return tarn__put(d, n, &v) ? end : NULL;
}

/* ---- keys */

static const char *twins(struct tarn__decode *d, const struct tarn__plan_field *f, const char *key,
                         struct tarn_str name)
{
    const char *before = f->at;
    size_t n = 0;
    while (before[n] != '"' && before[n] == key[n])
        n++;
    if (before[n] == '"' && key[n] == '"')
        return tarn__letter(d, "the key \"%.*s\" stands twice", TARN_STR_ARG(name));
    return tarn__letter(d, "the keys \"%.*s\" and \"%.*s\" go to one column",
                        (int)strcspn(before, "\""), before, (int)strcspn(key, "\""), key);
}

/* The text of a key, its own copy if the reader's buffer holds it. */
static const char *key_text(struct tarn__decode *d, const char *p, struct tarn_str *name)
{
    const char *end = tarn__json_text(d, p, name);
    if (!end)
        return NULL;
    if (name->len == 0)
        return tarn__letter(d, "a key is empty");
    if (memchr(name->ptr, '\0', name->len))
        return tarn__letter(d, "a key holds a zero byte");
    if (name->ptr != d->text.ptr)
        return end;
    char *copy = tarn_arena_alloc(d->doc_arena, name->len);
    d->doc_arena_used = true;
    if (!copy)
        return tarn__fail_nomem(d);
    memcpy(copy, name->ptr, name->len);
    name->ptr = copy;
    return end;
}

/* Finds or makes the field of the key whose text starts at p. *out NULL (first pass): an unknown
 * key. */
static const char *find_field(struct tarn__decode *d, struct tarn__plan *n, const char *p,
                              struct tarn_str *out_name, struct tarn__plan_field **out)
{
    const char *end = key_text(d, p, out_name);
    if (!end)
        return NULL;
    *out_name = tarn__plan_column_name(d, n, *out_name);
    if (!out_name->ptr)
        return tarn__fail_nomem(d);
    *out = tarn__plan_find(n, *out_name);
    if (*out)
        return end;
    if (n->declared) /* the declared type has no such field, and nothing may be dropped */
        return tarn__letter(d, "the key \"%.*s\" is no field of the declared type",
                            TARN_STR_ARG(*out_name));
    if (!d->apply) {
        d->changed = true;
        return tarn__keys_push(d, *out_name) ? end : NULL;
    }
    d->unfit = true;
    *out = tarn__plan_add(d, n, *out_name);
    return *out ? end : NULL;
}

/* ---- documents */

bool tarn__fill_missing(struct tarn__decode *d, struct tarn__plan *n, uint64_t serial)
{
    for (uint32_t i = 0; i < n->field_count; i++) {
        struct tarn__plan_field *f = n->fields[i];
        if (f->seen == serial || !f->node->column)
            continue;
        if (!tarn__store_null(d, f->node)) {
            (void)tarn__letter_step(d, tarn_str_of(f->key, f->key_len - 1));
            return false;
        }
    }
    return true;
}

/* The value behind a key that is known. */
static inline const char *read_member(struct tarn__decode *d, struct tarn__plan_field *f,
                                      const char *p)
{
    const char *end = read_value(d, f->node, p);
    return __builtin_expect(end != NULL, 1)
               ? end
               : tarn__letter_step(d, tarn_str_of(f->key, f->key_len - 1));
}

/* p at the quote of a key; returns what follows the value. */
static const char *read_unexpected(struct tarn__decode *d, struct tarn__plan *n, const char *p,
                                   uint64_t serial, struct tarn__plan_field **out)
{
    struct tarn_str name;
    const char *key = p + 1;
    if (*p != '"')
        return tarn__letter_at(d, p, "expected a key in quotes");
    p = find_field(d, n, key, &name, out);
    if (!p)
        return NULL;
    p = tarn__skip_white(p);
    if (*p != ':')
        return tarn__letter_at(d, p, "expected ':' behind a key");
    p = tarn__skip_white(p + 1);
    struct tarn__plan_field *f = *out;
    if (!f) {
        p = tarn__json_check(d, p);
        return p ? p : tarn__letter_step(d, name);
    }
    if (f->seen == serial)
        return twins(d, f, key, name);
    f->seen = serial;
    f->at = key;
    uint64_t position = d->position + (uint64_t)(key - d->begin);
    if (position < f->first && !tarn__sight(d, n, f, name, position))
        return NULL;
    return read_member(d, f, p);
}

/* The object at p into a struct's children, or only looked at. */
static const char *read_fields(struct tarn__decode *d, struct tarn__plan *n, const char *p)
{
    uint64_t serial = ++d->serial;
    size_t keys_from = d->keys.count;
    uint32_t columns = 0;
    struct tarn__plan_field **link = &n->first_field, *f;
    p = tarn__skip_white(p + 1);
    if (*p == '}')
        goto close;
    for (;;) {
        f = *link;
        if (__builtin_expect(f && *p == '"' && tarn__key_is(p + 1, f->key, f->key_len) &&
                                 f->seen != serial &&
                                 d->position + (uint64_t)(p + 1 - d->begin) >= f->first,
                             1)) {
            f->seen = serial;
            f->at = p + 1;
            p = tarn__skip_white(p + 1 + f->key_len);
            if (*p != ':')
                return tarn__letter_at(d, p, "expected ':' behind a key");
            p = read_member(d, f, tarn__skip_white(p + 1));
        } else {
            f = NULL;
            p = read_unexpected(d, n, p, serial, &f);
            if (f && f->plain)
                *link = f;
        }
        if (!p)
            return NULL;
        if (f) {
            columns += f->node->column != NULL;
            link = &f->next;
        }
        p = tarn__skip_white(p);
        if (*p == '}')
            break;
        if (*p != ',')
            return tarn__letter_at(d, p, "expected ',' or '}'");
        p = tarn__skip_white(p + 1);
    }
close:
    if (d->keys.count > keys_from && !tarn__keys_close(d, keys_from))
        return NULL;
    if (columns < n->column_count && !tarn__fill_missing(d, n, serial))
        return NULL;
    return p + 1;
}

/* The object at p into a map: its keys as they stand. */
static const char *read_map(struct tarn__decode *d, struct tarn__plan *n, const char *p)
{
    size_t from = d->keys.count;
    struct tarn_str name;
    p = tarn__skip_white(p + 1);
    while (*p != '}') {
        if (*p != '"')
            return tarn__letter_at(d, p, "expected a key in quotes");
        p = key_text(d, p + 1, &name);
        if (!p || !tarn__keys_push(d, name))
            return NULL;
        if (!tarn__column_append_bytes(n->map_key->column, name.ptr, name.len))
            return (void)tarn__no_room(d), NULL;
        p = tarn__skip_white(p);
        if (*p != ':')
            return tarn__letter_at(d, p, "expected ':' behind a key");
        p = read_value(d, n->element, tarn__skip_white(p + 1));
        if (!p)
            return tarn__letter_step(d, name);
        p = tarn__skip_white(p);
        if (*p == ',' && *tarn__skip_white(p + 1) != '}')
            p = tarn__skip_white(p + 1);
        else if (*p != '}')
            return tarn__letter_at(d, p, "expected ',' or '}'");
    }
    return tarn__keys_close(d, from) ? p + 1 : NULL;
}

/* Makes the plan's element, and the shape's, as a list is seen. */
static bool need_element(struct tarn__decode *d, struct tarn__plan *n)
{
    if (!n->element && !(n->element = tarn__plan_new(d)))
        return false;
    if (n->element->declared || n->element->shape || !d->apply || !n->shape ||
        !(n->shape->flags & TARN__S_LIST))
        return true;
    n->element->shape = tarn__shape_element(d->op, n->shape);
    if (!n->element->shape)
        d->status = TARN_NOMEM;
    return n->element->shape != NULL;
}

static const char *read_elements(struct tarn__decode *d, struct tarn__plan *n, const char *p)
{
    p = tarn__skip_white(p + 1);
    if (*p == ']')
        return p + 1;
    if (!need_element(d, n))
        return NULL;
    for (;;) {
        p = read_value(d, n->element, p);
        if (!p)
            return tarn__letter_step(d, TARN_STR("element"));
        p = tarn__skip_white(p);
        if (*p == ']')
            return p + 1;
        if (*p != ',')
            return tarn__letter_at(d, p, "expected ',' or ']'");
        p = tarn__skip_white(p + 1);
    }
}

/* Is the value's inside looked at? Else it is only checked: no struct or list takes it. */
static bool walks(const struct tarn__plan *n, uint32_t flag, enum tarn_type_kind kind)
{
    return n->kind == kind || (n->shape && (n->shape->flags & flag));
}

/* The children of a struct, list or map are there: the row itself. */
static bool end_row(struct tarn__decode *d, struct tarn__plan *n)
{
    bool ok = n->kind == TARN_TYPE_STRUCT ? tarn__column_end_struct(n->column)
                                          : tarn__column_end_list(n->column);
    return ok || tarn__no_room(d);
}

static const char *read_array(struct tarn__decode *d, struct tarn__plan *n, const char *p)
{
    struct tarn__value v = {.kind = TARN__V_JSON, .seen = {.flags = TARN__S_LIST}};
    const char *end;
    tarn__observe(d, n, v.seen);
    end = walks(n, TARN__S_LIST, TARN_TYPE_LIST) ? read_elements(d, n, p)
                                                 : tarn__json_check_inside(d, p);
    if (!end)
        return NULL;
    if (n->kind == TARN_TYPE_LIST)
        return end_row(d, n) ? end : NULL;
    v.raw = tarn_str_of(p, (size_t)(end - p));
    return tarn__store(d, n, &v) ? end : NULL;
}

static const char *read_object(struct tarn__decode *d, struct tarn__plan *n, const char *p,
                               struct tarn_str raw)
{
    struct tarn__value v = {.kind = TARN__V_JSON, .seen = {.flags = TARN__S_DOC}};
    const char *end;
    tarn__observe(d, n, v.seen);
    if (n->kind == TARN_TYPE_MAP)
        end = read_map(d, n, p);
    else if (walks(n, TARN__S_DOC, TARN_TYPE_STRUCT))
        end = read_fields(d, n, p);
    else
        end = tarn__json_check_inside(d, p);
    if (!end)
        return NULL;
    if (n->kind == TARN_TYPE_STRUCT || n->kind == TARN_TYPE_MAP)
        return end_row(d, n) ? end : NULL;
    v.raw = raw.ptr ? raw : tarn_str_of(p, (size_t)(end - p));
    return tarn__store(d, n, &v) ? end : NULL;
}

static const char *read_nested(struct tarn__decode *d, struct tarn__plan *n, const char *p)
{
    struct tarn__value v;
    const char *end = p, *inner;
    bool wrapper = false;
    struct tarn_str raw = {NULL, 0};
    if (d->depth >= d->depth_max)
        return tarn__letter(d, "is nested more than %d levels deep (nesting_max)", d->depth_max);
    d->depth++;
    if (*p == '[') {
        end = read_array(d, n, p);
    } else {
        if (d->ejson)
            end = tarn__ejson_read(d, p, &v, &wrapper, &inner);
        if (end && !wrapper)
            end = read_object(d, n, p, raw);
        else if (end && inner)
            end = read_object(d, n, inner, v.raw) ? end : NULL;
        else if (end)
            end = tarn__put(d, n, &v) ? end : NULL;
    }
    d->depth--;
    return end;
}

static const char *read_value(struct tarn__decode *d, struct tarn__plan *n, const char *p)
{
    switch (*p) {
    case '"':
        return read_text(d, n, p + 1);
    case '{':
    case '[':
        return read_nested(d, n, p);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_number(d, n, p);
    case 't':
    case 'f':
    case 'n':
        return read_word(d, n, p);
    default:
        return tarn__letter_at(d, p, "expected a value");
    }
}

/* ---- whole documents */

static bool document_pass(struct tarn__decode *d, const void *context)
{
    const char *p = tarn__skip_white(d->begin);
    (void)context;
    if (*p != '{') {
        if (tarn__json_check(d, p))
            (void)tarn__letter_at(d, p, "expected a document, found another value");
        return false;
    }
    tarn__observe(d, d->root, (struct tarn__seen){.flags = TARN__S_DOC});
    p = read_fields(d, d->root, p);
    if (!p)
        return false;
    p = tarn__skip_white(p);
    if (p != d->end)
        (void)tarn__letter_at(d, p, "unexpected text behind the document");
    return p == d->end;
}

static void cut_row(struct tarn__decode *d, size_t row)
{
    for (size_t i = 0; i < d->document.child_count; i++)
        tarn__column_cut(&d->document.children[i], row);
}

static bool pass_once(struct tarn__decode *d, bool (*pass)(struct tarn__decode *, const void *),
                      const void *context)
{
    d->depth = 1;
    d->keys.count = 0;
    d->unfit = false;
    d->column_at = sizeof d->column - 1;
    return pass(d, context) && d->status == TARN_OK;
}

bool tarn__row_read(struct tarn__decode *d, char *begin, char *end,
                    bool (*pass)(struct tarn__decode *, const void *), const void *context)
{
    size_t row = d->table.length;
    char saved = *end;
    *end = '\0';
    d->begin = begin;
    d->end = end;
    d->status = TARN_OK;
    d->apply = d->changed = false;
    bool ok = pass_once(d, pass, context);
    if (ok && d->changed) {
        cut_row(d, row);
        d->apply = true;
        ok = pass_once(d, pass, context);
        d->apply = false;
    }
    if (!ok)
        cut_row(d, row);
    if (d->doc_arena_used) {
        tarn_arena_reset(d->doc_arena);
        d->doc_arena_used = false;
    }
    *end = saved;
    return ok;
}

bool tarn__document_read(struct tarn__decode *d, char *begin, char *end, uint64_t position)
{
    d->position = position;
    return tarn__row_read(d, begin, end, document_pass, NULL);
}
