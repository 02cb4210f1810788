/* SPDX-License-Identifier: Apache-2.0 */
/* test-bridge-io.c - frames between a link that is only made up and the hub: marks, joining, what
 * is done in software where the link cannot, and a link that is full or gone. */

#include "core/base/addr.h"
#include "core/hub/bridge_io.h"
#include "core/net/checksum.h"
#include "core/net/flow.h"
#include "core/net/wire.h"

#include <string.h>

enum { HEADERS = 54, SENT_MAX = 256 };

struct sent {
    GByteArray *bytes;
    struct pf_offload off;
};

struct fake {
    struct bridge_io io;
    struct frame_pool *pool;
    struct sent sent[SENT_MAX];
    unsigned n_sent;
    unsigned room; /* frames it takes before it is full */
    bool gone;
    /* what it will receive */
    const uint8_t *in;
    size_t in_len;
    struct pf_offload in_off;
    bool in_tag; /* put a tag back, as the platform does */
};

static int
fake_receive(void *handle, struct pf_slice *buf, struct pf_offload *off, unsigned n)
{
    struct fake *f = handle;
    g_assert_cmpuint(n, >, 0);
    if (f->gone)
        return -2;
    if (!f->in)
        return 0;
    g_assert_cmpuint(buf[0].len, >=, f->in_len);
    memcpy(buf[0].at, f->in, f->in_len);
    buf[0].len = f->in_len;
    off[0] = f->in_off;
    if (f->in_tag) {
        uint8_t *at = (uint8_t *)buf[0].at - PF_ETHERLINK_VLAN_ROOM;
        memmove(at, buf[0].at, 12);
        wire_put32(at + 12, 0x81000005);
        buf[0].at = at;
        buf[0].len += 4;
    }
    f->in = NULL;
    if (n > 1)
        buf[1].len = 0; /* one that must be ignored */
    return n > 1 ? 2 : 1;
}

static int
fake_send(void *handle, const struct pf_packet *p, unsigned n, unsigned *refused)
{
    struct fake *f = handle;
    unsigned taken = 0;
    *refused += 0;
    if (f->gone)
        return -2;
    for (; taken < n && f->room > 0; taken++, f->room--) {
        struct sent *s = &f->sent[f->n_sent++];
        g_assert_cmpuint(f->n_sent, <, SENT_MAX);
        *s = (struct sent){.bytes = g_byte_array_new(), .off = p[taken].off};
        for (unsigned k = 0; k < p[taken].n_iov; k++)
            g_byte_array_append(s->bytes, p[taken].iov[k].at, (guint)p[taken].iov[k].len);
    }
    return (int)taken;
}

static unsigned
fake_mtu(const void *handle)
{
    (void)handle;
    return 1500;
}

static void
fake_close(void *handle)
{
    (void)handle;
}

static const struct bridge_link_ops fake_ops = {fake_receive, fake_send, fake_mtu, fake_close};

static void
set_up(struct fake *f, const void *data)
{
    *f = (struct fake){.pool = frame_pool_new(256), .room = SENT_MAX};
    f->io.link =
        (struct bridge_link){.ops = &fake_ops, .handle = f, .fd = -1, .offload = data != NULL};
}

static void
forget_sent(struct fake *f)
{
    for (unsigned i = 0; i < f->n_sent; i++)
        g_byte_array_unref(f->sent[i].bytes);
    f->n_sent = 0;
}

static void
tear_down(struct fake *f, const void *data)
{
    (void)data;
    forget_sent(f);
    bridge_io_done(&f->io);
    frame_pool_free(f->pool);
}

/* A TCP packet over IPv4, checksums right, payload bytes counting up from first. */
static struct frame *
tcp(struct fake *f, uint32_t seq, size_t payload)
{
    static const uint8_t ethernet[] = {2, 0, 0, 0, 0, 11, 2, 0, 0, 0, 0, 10, 8, 0};
    struct frame *fr = frame_new(f->pool, HEADERS + payload);
    uint8_t *at = frame_put(fr, HEADERS + payload);
    g_assert(at);
    memset(at, 0, HEADERS);
    memcpy(at, ethernet, sizeof(ethernet));
    uint8_t *ip = at + 14;
    ip[0] = 0x45;
    wire_put16(ip + 2, (uint16_t)(40 + payload));
    ip[6] = 0x40;
    ip[8] = 64;
    ip[9] = 6;
    wire_put32(ip + 12, 0x0a000001);
    wire_put32(ip + 16, 0x0a000002);
    wire_put16(ip + 10, csum_finish(csum_add(0, ip, 20)));
    uint8_t *t = ip + 20;
    wire_put16(t, 1000);
    wire_put16(t + 2, 2000);
    wire_put32(t + 4, seq);
    t[12] = 0x50;
    t[13] = 0x10;
    wire_put16(t + 14, 500);
    for (size_t i = 0; i < payload; i++)
        t[20 + i] = (uint8_t)(seq + i);
    uint64_t sum = csum_pseudo4(ip + 12, ip + 16, 6, (uint16_t)(20 + payload));
    wire_put16(t + 16, csum_finish(csum_add(sum, t, 20 + payload)));
    return fr;
}

static void
make_super(struct frame *f, uint16_t mss)
{
    uint8_t *ip = f->data + 14;
    uint64_t sum = csum_pseudo4(ip + 12, ip + 16, 6, (uint16_t)(f->len - 34));
    wire_put16(f->data + 50, csum_fold(sum));
    f->flags = FRAME_NEEDS_CSUM;
    f->csum_start = 34;
    f->csum_offset = 16;
    if (mss > 0) {
        f->gso_type = FRAME_GSO_TCP4;
        f->gso_size = mss;
    }
}

/* What left is an ordinary packet with right checksums and the payload that belongs there. */
static void
check_tcp(const struct sent *s, uint32_t seq, size_t payload)
{
    const uint8_t *at = s->bytes->data;
    g_assert_cmpuint(s->bytes->len, ==, HEADERS + payload);
    g_assert_cmpuint(s->off.gso_type | s->off.flags, ==, 0);
    g_assert_true(csum_is_good(csum_add(0, at + 14, 20)));
    uint64_t sum = csum_pseudo4(at + 26, at + 30, 6, (uint16_t)(20 + payload));
    g_assert_true(csum_is_good(csum_add(sum, at + 34, 20 + payload)));
    g_assert_cmpuint(wire_get32(at + 38), ==, seq);
    for (size_t i = 0; i < payload; i++)
        g_assert_cmpuint(at[HEADERS + i], ==, (uint8_t)(seq + i));
}

static void
send_one(struct fake *f, struct frame *fr)
{
    struct batch b = {.n = 1, .frame = {fr}};
    g_assert_cmpint(bridge_io_send(&f->io, f->pool, &b), ==, BRIDGE_IO_OK);
    g_assert_cmpuint(b.n, ==, 0);
}

/* ---- in ---- */

static void
test_receive_small(struct fake *f, const void *data)
{
    (void)data;
    struct frame *model = tcp(f, 1, 100);
    f->in = model->data;
    f->in_len = model->len;
    f->in_off = (struct pf_offload){.flags = PF_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
    struct batch b = {.n = 0};
    g_assert_cmpint(bridge_io_receive(&f->io, f->pool, &b), ==, BRIDGE_IO_OK);
    g_assert_cmpuint(b.n, ==, 1);
    g_assert_cmpuint(b.frame[0]->size, <, 8192); /* not the large one it was read into */
    g_assert_cmpuint(b.frame[0]->flags, ==, FRAME_NEEDS_CSUM);
    g_assert_cmpuint(b.frame[0]->csum_start, ==, 34);
    g_assert_cmpuint(b.frame[0]->len, ==, model->len);
    g_assert_true(memcmp(b.frame[0]->data, model->data, model->len) == 0);
    batch_free_frames(&b);
    frame_free(model);
    g_assert_cmpint(bridge_io_receive(&f->io, f->pool, &b), ==, BRIDGE_IO_EMPTY);
    f->gone = true;
    g_assert_cmpint(bridge_io_receive(&f->io, f->pool, &b), ==, BRIDGE_IO_LOST);
}

static void
test_receive_super(struct fake *f, const void *data)
{
    (void)data;
    struct frame *model = tcp(f, 1, 60000);
    f->in = model->data;
    f->in_len = model->len;
    f->in_tag = true;
    f->in_off = (struct pf_offload){.flags = PF_NEEDS_CSUM,
                                    .gso_type = FRAME_GSO_TCP4 | 0x80,
                                    .gso_size = 1460,
                                    .csum_start = 38,
                                    .csum_offset = 16};
    struct batch b = {.n = 0};
    g_assert_cmpint(bridge_io_receive(&f->io, f->pool, &b), ==, BRIDGE_IO_OK);
    g_assert_cmpuint(b.n, ==, 1);
    struct frame *got = b.frame[0];
    g_assert_cmpuint(got->len, ==, model->len + 4);
    g_assert_true(memcmp(got->data, model->data, 12) == 0);
    g_assert_true(memcmp(got->data + 16, model->data + 12, model->len - 12) == 0);
    g_assert_cmpuint(got->gso_type, ==, FRAME_GSO_TCP4);
    g_assert_cmpuint(got->flags, ==, FRAME_NEEDS_CSUM | FRAME_ECN);
    g_assert_cmpuint(got->gso_size, ==, 1460);
    batch_free_frames(&b);
    frame_free(model);
}

/* ---- out ---- */

static void
test_offload_joins(struct fake *f, const void *data)
{
    (void)data;
    struct batch b = {.n = 0};
    for (unsigned i = 0; i < 40; i++)
        batch_add(&b, tcp(f, 1 + 1000 * i, 1000));
    g_assert_cmpint(bridge_io_send(&f->io, f->pool, &b), ==, BRIDGE_IO_OK);
    g_assert_cmpuint(f->n_sent, ==, 1);
    g_assert_cmpuint(f->sent[0].off.gso_type, ==, FRAME_GSO_TCP4);
    g_assert_cmpuint(f->sent[0].off.gso_size, ==, 1000);
    g_assert_cmpuint(f->sent[0].bytes->len, ==, HEADERS + 40000);
    for (unsigned i = 0; i < 40000; i++)
        g_assert_cmpuint(f->sent[0].bytes->data[HEADERS + i], ==, (uint8_t)(1 + i));
}

static void
test_offload_passes_marks(struct fake *f, const void *data)
{
    (void)data;
    struct frame *fr = tcp(f, 1, 30000);
    make_super(fr, 1400);
    send_one(f, fr);
    g_assert_cmpuint(f->n_sent, ==, 1);
    g_assert_cmpuint(f->sent[0].bytes->len, ==, HEADERS + 30000);
    g_assert_cmpuint(f->sent[0].off.gso_size, ==, 1400);
    g_assert_cmpuint(f->sent[0].off.flags, ==, PF_NEEDS_CSUM);
    g_assert_cmpuint(f->sent[0].off.csum_start, ==, 34);
}

static void
test_software_segments(struct fake *f, const void *data)
{
    (void)data;
    struct batch b = {.n = 0};
    batch_add(&b, tcp(f, 1, 500));
    struct frame *fr = tcp(f, 501, 60100);
    make_super(fr, 1000);
    batch_add(&b, frame_ref(fr)); /* another port has it, too */
    struct frame *half = tcp(f, 60601, 300);
    make_super(half, 0);
    batch_add(&b, half);
    struct frame *liar = tcp(f, 1, 3000);
    make_super(liar, 1000);
    liar->csum_start = 4000;
    batch_add(&b, liar);
    batch_add(&b, tcp(f, 60901, 400));
    g_assert_cmpint(bridge_io_send(&f->io, f->pool, &b), ==, BRIDGE_IO_OK);

    g_assert_cmpuint(f->n_sent, ==, 1 + 61 + 1 + 1);
    check_tcp(&f->sent[0], 1, 500);
    for (unsigned i = 0; i < 60; i++)
        check_tcp(&f->sent[1 + i], 501 + 1000 * i, 1000);
    check_tcp(&f->sent[61], 60501, 100);
    check_tcp(&f->sent[62], 60601, 300);
    check_tcp(&f->sent[63], 60901, 400);
    g_assert_cmpuint(f->io.dropped[DROP_MALFORMED], ==, 1);
    g_assert_cmpuint(fr->flags, ==, FRAME_NEEDS_CSUM); /* untouched */
    frame_free(fr);
}

/* A full link: what it does not take waits, in order, and no more than there is room for. */
static void
test_full(struct fake *f, const void *data)
{
    (void)data;
    f->room = 10;
    for (unsigned i = 0; i < 5; i++) {
        struct batch b = {.n = 0};
        for (unsigned k = 0; k < BATCH_MAX; k++) /* no two of them can be joined */
            batch_add(&b, tcp(f, 1 + 5000 * (i * BATCH_MAX + k), 40));
        g_assert_cmpint(bridge_io_send(&f->io, f->pool, &b), ==, BRIDGE_IO_OK);
    }
    g_assert_cmpuint(f->n_sent, ==, 10);
    g_assert_true(bridge_io_waits(&f->io));
    g_assert_cmpuint(f->io.dropped[DROP_QUEUE_FULL], ==, 5 * BATCH_MAX - 10 - BRIDGE_WAIT_FRAMES);
    f->room = 100;
    g_assert_cmpint(bridge_io_flush(&f->io), ==, BRIDGE_IO_OK);
    g_assert_cmpuint(f->n_sent, ==, 110);
    f->room = 10;
    forget_sent(f);
    g_assert_cmpint(bridge_io_flush(&f->io), ==, BRIDGE_IO_OK);
    g_assert_cmpuint(f->n_sent, ==, 10);
    for (unsigned i = 0; i < f->n_sent; i++)
        check_tcp(&f->sent[i], 1 + 5000 * (110 + i), 40);
    send_one(f, tcp(f, 7, 40)); /* behind those that wait */
    f->room = 200;
    g_assert_cmpint(bridge_io_flush(&f->io), ==, BRIDGE_IO_OK);
    g_assert_false(bridge_io_waits(&f->io));
    check_tcp(&f->sent[f->n_sent - 1], 7, 40);
}

static void
test_gone(struct fake *f, const void *data)
{
    (void)data;
    struct batch b = {.n = 0};
    f->gone = true;
    for (unsigned i = 0; i < 3; i++)
        batch_add(&b, tcp(f, i, 40));
    g_assert_cmpint(bridge_io_send(&f->io, f->pool, &b), ==, BRIDGE_IO_LOST);
    g_assert_cmpuint(b.n, ==, 0);
    g_assert_cmpuint(f->io.dropped[DROP_IO], ==, 3);
    struct frame *fr = tcp(f, 1, 60000);
    make_super(fr, 500);
    batch_add(&b, fr);
    batch_add(&b, tcp(f, 1, 60));
    g_assert_cmpint(bridge_io_send(&f->io, f->pool, &b), ==, BRIDGE_IO_LOST);
    g_assert_cmpuint(f->io.dropped[DROP_IO], >, 3);
}

/* A full link with room for some of the segments: the rest waits with the others behind it. */
static void
test_software_full(struct fake *f, const void *data)
{
    (void)data;
    f->room = 70;
    struct batch b = {.n = 0};
    struct frame *fr = tcp(f, 0, 60000);
    make_super(fr, 500);
    batch_add(&b, fr);
    batch_add(&b, tcp(f, 60000, 60));
    g_assert_cmpint(bridge_io_send(&f->io, f->pool, &b), ==, BRIDGE_IO_OK);
    g_assert_cmpuint(f->n_sent, ==, 70);
    f->room = 100;
    g_assert_cmpint(bridge_io_flush(&f->io), ==, BRIDGE_IO_OK);
    g_assert_cmpuint(f->n_sent, ==, 121);
    for (unsigned i = 0; i < 120; i++)
        check_tcp(&f->sent[i], 500 * i, 500);
    check_tcp(&f->sent[120], 60000, 60);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, offload, fn)                                                             \
    g_test_add("/hub/bridge-io/" name, struct fake, GUINT_TO_POINTER(offload), set_up, fn, \
               tear_down)
    ADD("receive/small", 1, test_receive_small);
    ADD("receive/super", 1, test_receive_super);
    ADD("offload/joins", 1, test_offload_joins);
    ADD("offload/passes-marks", 1, test_offload_passes_marks);
    ADD("offload/full", 1, test_full);
    ADD("offload/gone", 1, test_gone);
    ADD("software/segments", 0, test_software_segments);
    ADD("software/full", 0, test_full);
    ADD("software/full-segments", 0, test_software_full);
    ADD("software/gone", 0, test_gone);
#undef ADD
    return g_test_run();
}
