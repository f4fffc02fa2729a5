/* decode_sample: a first shape from the starts of the files. The same readers as a decode, over
 * columns for the declared places alone: so what is a dead letter there is one here, and teaches
 * nothing. */
#include "flow/decode_state.h"

#define SAMPLE_FILE_BYTES  ((uint64_t)1 << 20)
#define SAMPLE_TOTAL_BYTES ((uint64_t)64 << 20)

static enum tarn_status sample_files(struct tarn__decoder *s, struct tarn_op *op)
{
    struct tarn__worker *w = &s->workers[0];
    uint64_t total = 0;
    bool has = true, more;
    while (has && total < SAMPLE_TOTAL_BYTES) {
        s->read_limit = SAMPLE_FILE_BYTES;
        TARN_TRY(tarn__work_take(s, op, w, &has));
        if (!has)
            break;
        more = true;
        while (more) {
            TARN_TRY(tarn__work_step(s, op, w, &more));
            if (!w->bloated)
                tarn__column_clear(&w->decode.table);
            else if (!tarn__column_trim(&w->decode.table))
                return tarn_fail(op, TARN_NOMEM, "no memory for columns");
            w->bloated = false;
        }
        total += w->rows.window.offset;
        tarn__work_close(s, w);
    }
    return TARN_OK;
}

enum tarn_status tarn_decode_sample(struct tarn_op *op, const struct tarn_input_files *files,
                                    const struct tarn_decode_options *options,
                                    struct tarn_shape **out)
{
    struct tarn__decoder *s = NULL;
    struct tarn_shape *nothing = tarn_shape_new(op);
    struct tarn_type declared;
    *out = NULL;
    if (!nothing)
        return TARN_NOMEM;
    enum tarn_status status =
        tarn_shape_type(op, nothing, options->declared, options->declared_count, &declared);
    if (status == TARN_OK)
        status = tarn__decoder_new(op, files, options, nothing, &declared, true, &s);
    if (status == TARN_OK)
        status = sample_files(s, op);
    if (status == TARN_OK)
        status = tarn_shape_join(op, nothing, s->workers[0].decode.shape);
    if (s)
        tarn_decoder_close(&s->decoder);
    if (status != TARN_OK)
        tarn_shape_free(nothing);
    else
        *out = nothing;
    return status;
}
