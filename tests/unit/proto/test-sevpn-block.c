/* SPDX-License-Identifier: Apache-2.0 */
/* test-sevpn-block.c - the framing of the data channel: the worked example, every way to cut it,
 * every limit, and the way there and back. */

#include "core/proto/sevpn/block.h"
#include "tests/support/vectors.h"

#include <string.h>

struct fixture {
    struct frame_pool *pool;
    struct block_zlib *zlib;
};

static void
setup(struct fixture *x, gconstpointer data)
{
    (void)data;
    x->pool = frame_pool_new(64);
    x->zlib = block_zlib_new();
}

static void
teardown(struct fixture *x, gconstpointer data)
{
    (void)data;
    block_zlib_free(x->zlib);
    frame_pool_free(x->pool);
}

struct tally {
    unsigned frames, alive, lost;
    bool broken;
    enum drop why;
    size_t bytes;
};

static void
feed(struct fixture *x, struct block_decoder *d, const struct block_format *format,
     struct reader in, struct tally *t)
{
    for (;;) {
        struct frame *f = NULL;
        switch (block_decode(d, format, &in, x->pool, &f, &t->why)) {
        case BLOCK_MORE:
            return;
        case BLOCK_FRAME:
            t->frames++;
            t->bytes += f->len;
            frame_free(f);
            break;
        case BLOCK_ALIVE:
            t->alive++;
            break;
        case BLOCK_LOST:
            t->lost++;
            break;
        case BLOCK_BROKEN:
            t->broken = true;
            return;
        }
    }
}

static void
test_worked_example(struct fixture *x, gconstpointer data)
{
    g_autoptr(GByteArray) all = vector_read("datachannel");
    const struct block_format plain = {0};

    (void)data;
    for (guint cut = 0; cut <= all->len; cut++) { /* every way to get it in two pieces */
        struct block_decoder d = {0};
        struct tally t = {0};
        feed(x, &d, &plain, reader_of(all->data, cut), &t);
        feed(x, &d, &plain, reader_of(all->data + cut, all->len - cut), &t);
        g_assert_cmpuint(t.frames, ==, 2);
        g_assert_cmpuint(t.bytes, ==, 29);
        g_assert_cmpuint(t.alive, ==, 1);
        block_decoder_clear(&d);
    }
}

static void
put_u32(GByteArray *out, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

    g_byte_array_append(out, b, 4);
}

static void
put_zeroes(GByteArray *out, size_t n)
{
    g_autofree uint8_t *zeroes = g_malloc0(n + 1);

    g_byte_array_append(out, zeroes, (guint)n);
}

/* The reactions that were measured at the real server. */
static void
test_limits(struct fixture *x, gconstpointer data)
{
    static const struct {
        uint32_t count, size;
        bool super, broken;
        unsigned frames, alive, lost;
    } cases[] = {
        {BLOCK_KEEPALIVE, 0, false, false, 0, 1, 0},
        {BLOCK_KEEPALIVE, 512, false, false, 0, 1, 0},
        {BLOCK_KEEPALIVE, 513, false, true, 0, 0, 0},
        {1, 0, false, false, 0, 0, 0},
        {1, 5, false, false, 0, 0, 1},
        {1, 14, false, false, 1, 0, 0},
        {1, 1600, false, false, 1, 0, 0},
        {1, 1601, false, false, 0, 0, 1},
        {1, 3200, false, false, 0, 0, 1},
        {1, 3201, false, true, 0, 0, 0},
        {4097, 14, false, true, 0, 0, 0},
        {1, 9018, true, false, 1, 0, 0},
        {1, FRAME_LARGE, true, false, 1, 0, 0},
        {1, FRAME_LARGE + 1, true, true, 0, 0, 0},
        {1, BLOCK_MARKED | 7, true, true, 0, 0, 0},
        {1, BLOCK_MARKED | 100, false, true, 0, 0, 0},
    };

    (void)data;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) in = g_byte_array_new();
        const struct block_format format = {.super_frames = cases[i].super};
        struct block_decoder d = {0};
        struct tally t = {0};
        put_u32(in, cases[i].count);
        put_u32(in, cases[i].size);
        put_zeroes(in, cases[i].broken ? 0 : cases[i].size & ~BLOCK_MARKED);
        feed(x, &d, &format, reader_of(in->data, in->len), &t);
        g_test_message("case %u", i);
        g_assert_cmpint(t.broken, ==, cases[i].broken);
        g_assert_cmpuint(t.frames, ==, cases[i].frames);
        g_assert_cmpuint(t.alive, ==, cases[i].alive);
        g_assert_cmpuint(t.lost, ==, cases[i].lost);
        block_decoder_clear(&d);
    }
}

static void
collect(void *owner, const struct pf_slice *iov, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        g_byte_array_append(owner, iov[i].at, (guint)iov[i].len);
}

static struct frame *
make_frame(struct fixture *x, size_t len, uint8_t fill)
{
    struct frame *f = frame_new(x->pool, len);

    g_assert_nonnull(f);
    memset(frame_put(f, len), fill, len);
    memset(f->data, 0x02, 12);
    f->data[12] = 0x88;
    f->data[13] = 0xb5;
    return f;
}

/* What is encoded in one format is decoded in it, frame by frame, marks and all; however it is cut.
 */
static void
round_trip(struct fixture *x, const struct block_format *format, const size_t *len, unsigned n)
{
    g_autoptr(GByteArray) wire = g_byte_array_new();
    g_autofree uint8_t *arena = g_malloc(65536);
    struct block_encoder e;
    struct frame *sent[16];
    struct block_decoder d = {0};
    unsigned got = 0;

    block_encoder_begin(&e, format, arena, 65536, collect, wire);
    for (unsigned i = 0; i < n; i++) {
        sent[i] = make_frame(x, len[i], (uint8_t)i);
        g_assert_cmpint(block_encode(&e, sent[i]), ==, DROP_NONE);
    }
    block_encoder_end(&e);
    for (size_t at = 0; at < wire->len; at += 1000) {
        struct reader in = reader_of(wire->data + at, MIN(1000, wire->len - at));
        enum block_event event;
        struct frame *f = NULL;
        enum drop why;
        while ((event = block_decode(&d, format, &in, x->pool, &f, &why)) == BLOCK_FRAME) {
            g_assert_cmpuint(got, <, n);
            g_assert_cmpmem(f->data, f->len, sent[got]->data, sent[got]->len);
            frame_free(f);
            got++;
        }
        g_assert_cmpint(event, ==, BLOCK_MORE);
    }
    g_assert_cmpuint(got, ==, n);
    for (unsigned i = 0; i < n; i++)
        frame_free(sent[i]);
    block_decoder_clear(&d);
}

static void
test_round_trips(struct fixture *x, gconstpointer data)
{
    static const size_t small[] = {14, 60, 1514, 1600, 15, 1000};
    static const size_t large[] = {14, 1514, 4095, 4096, 9018, 65550, 60};

    (void)data;
    round_trip(x, &(struct block_format){0}, small, G_N_ELEMENTS(small));
    round_trip(x, &(struct block_format){.zlib = x->zlib}, small, G_N_ELEMENTS(small));
    round_trip(x, &(struct block_format){.super_frames = true}, large, G_N_ELEMENTS(large));
}

static void
test_marks(struct fixture *x, gconstpointer data)
{
    const struct block_format format = {.super_frames = true};
    g_autoptr(GByteArray) wire = g_byte_array_new();
    g_autofree uint8_t *arena = g_malloc(65536);
    struct block_encoder e;
    struct block_decoder d = {0};
    struct frame *f = make_frame(x, 20000, 7);
    struct frame *got = NULL;
    enum drop why;

    (void)data;
    f->gso_type = FRAME_GSO_TCP6;
    f->gso_size = 1428;
    f->flags = FRAME_NEEDS_CSUM | FRAME_CSUM_OK;
    f->csum_start = 54;
    f->csum_offset = 16;
    block_encoder_begin(&e, &format, arena, 65536, collect, wire);
    g_assert_cmpint(block_encode(&e, f), ==, DROP_NONE);
    block_encoder_end(&e);

    struct reader in = reader_of(wire->data, wire->len);
    g_assert_cmpint(block_decode(&d, &format, &in, x->pool, &got, &why), ==, BLOCK_FRAME);
    g_assert_cmpmem(got->data, got->len, f->data, f->len);
    g_assert_cmpuint(got->gso_type, ==, FRAME_GSO_TCP6);
    g_assert_cmpuint(got->gso_size, ==, 1428);
    g_assert_cmpuint(got->flags, ==,
                     FRAME_NEEDS_CSUM); /* nobody believes a peer's word that a checksum is right */
    g_assert_cmpuint(got->csum_start, ==, 54);
    g_assert_cmpuint(got->csum_offset, ==, 16);
    frame_free(got);
    frame_free(f);
}

static void
test_bomb(struct fixture *x, gconstpointer data)
{
    const struct block_format packed = {.zlib = x->zlib};
    g_autoptr(GByteArray) wire = g_byte_array_new();
    uint8_t out[512];
    struct block_decoder d = {0};
    struct tally t = {0};

    (void)data;
    struct frame *f = make_frame(x, 1600, 0);
    g_autofree uint8_t *arena = g_malloc(65536);
    struct block_encoder e;
    block_encoder_begin(&e, &packed, arena, 65536, collect, wire);
    g_assert_cmpint(block_encode(&e, f), ==, DROP_NONE);
    frame_free(f);
    block_encoder_end(&e);
    feed(x, &d, &packed, reader_of(wire->data, wire->len), &t);
    g_assert_cmpuint(t.frames, ==, 1);

    /* rubbish instead of a stream */
    g_byte_array_set_size(wire, 0);
    put_u32(wire, 1);
    put_u32(wire, sizeof(out));
    memset(out, 0xa5, sizeof(out));
    g_byte_array_append(wire, out, sizeof(out));
    feed(x, &d, &packed, reader_of(wire->data, wire->len), &t);
    g_assert_cmpuint(t.lost, ==, 1);
    g_assert_cmpint(t.why, ==, DROP_INFLATE);
    block_decoder_clear(&d);
}

static void
test_direct(struct fixture *x, gconstpointer data)
{
    const struct block_format format = {.super_frames = true};
    g_autoptr(GByteArray) head = g_byte_array_new();
    struct block_decoder d = {0};
    struct tally t = {0};

    (void)data;
    put_u32(head, 1);
    put_u32(head, 50000);
    feed(x, &d, &format, reader_of(head->data, head->len), &t);
    size_t done = 0;
    struct pf_slice room;
    while ((room = block_decoder_room(&d)).len > 0) {
        size_t n = MIN(room.len, 16384);
        memset(room.at, 1, n);
        block_decoder_filled(&d, n);
        done += n;
    }
    g_assert_cmpuint(done, >, 50000 - BLOCK_DIRECT);
    put_zeroes(head, 50000 - done);
    feed(x, &d, &format, reader_of(head->data + 8, 50000 - done), &t);
    g_assert_cmpuint(t.frames, ==, 1);
    g_assert_cmpuint(t.bytes, ==, 50000);
    block_decoder_clear(&d);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add("/sevpn/block/" name, struct fixture, NULL, setup, fn, teardown)
    ADD("worked-example", test_worked_example);
    ADD("limits", test_limits);
    ADD("round-trips", test_round_trips);
    ADD("marks", test_marks);
    ADD("bomb", test_bomb);
    ADD("direct", test_direct);
#undef ADD
    return g_test_run();
}
