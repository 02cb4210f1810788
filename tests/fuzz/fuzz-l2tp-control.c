/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-l2tp-control.c - a peer that says what it likes to one tunnel, and time.
 *
 * Input: a byte of settings, then steps: a message with Ns and Nr as they should be, or a packet as
 * it stands, or time, or a wish of the owner. Laws: what is sent is whole and for the peer's
 * tunnel; a stranger gets no more than it has sent; a call goes down once, after it was up; nothing
 * is due after a tick; states only go on; nothing comes after the end.
 */

#include "core/base/error.h"
#include "core/net/wire.h"
#include "core/proto/l2tp/tunnel.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#define S INT64_C(1000000)

enum { STEPS_MAX = 500, OURS = 0x0102 };

struct lab {
    struct l2tp_tunnel *t;
    int64_t now_us;
    size_t got, sent; /* bytes */
    uint16_t ns, nr;
    unsigned n_up, random;
    bool refuses;
};

static void
on_send(void *owner, struct reader packet, int64_t now_us)
{
    struct lab *lab = owner;
    struct l2tp_header h;

    g_assert(now_us == lab->now_us && packet.left <= L2TP_MESSAGE_MAX);
    g_assert(l2tp_header_parse(packet, &h) && h.is_control);
    g_assert(h.payload.at + h.payload.left == packet.at + packet.left);
    g_assert(h.tunnel == lab->t->peer_id && h.tunnel != 0);
    if (h.payload.left > 0) {
        struct l2tp_message m;
        g_assert(l2tp_message_parse(h.payload, NULL, &m));
        lab->nr = MAX(lab->nr, (uint16_t)(h.ns + 1));
    }
    lab->sent += packet.left;
}

static void *
on_call_up(void *owner, struct l2tp_call *call, int64_t now_us)
{
    struct lab *lab = owner;

    (void)now_us;
    g_assert(lab->t->state == L2TP_OPEN && call->id != 0 && call->peer_id != 0);
    if (lab->refuses)
        return NULL;
    lab->n_up++;
    return lab;
}

static void
on_call_down(void *owner, struct l2tp_call *call, int reason, int64_t now_us)
{
    struct lab *lab = owner;

    (void)now_us;
    g_assert(call->user == lab && lab->n_up > 0 && reason != PE_OK);
    lab->n_up--;
}

static void
on_random(void *owner, void *out, size_t n)
{
    struct lab *lab = owner;

    memset(out, (int)(lab->random++ & 3), n);
}

static const struct l2tp_tunnel_ops ops = {
    .send = on_send, .call_up = on_call_up, .call_down = on_call_down, .random = on_random};

static void
receive(struct lab *lab, struct reader packet)
{
    struct l2tp_header h;

    if (!l2tp_header_parse(packet, &h) || !h.is_control || (h.tunnel != 0 && h.tunnel != OURS))
        return;
    lab->got += packet.left;
    l2tp_tunnel_receive(lab->t, &h, packet, lab->now_us);
}

/* A message that is next in order; its AVPs are the input's. */
static void
say(struct lab *lab, struct reader *in)
{
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof(bytes));
    uint8_t type = reader_u8(in) % 18;
    uint8_t session = reader_u8(in);
    struct reader avps = reader_sub(in, reader_u8(in));

    if (!reader_ok(&avps))
        return;
    l2tp_begin(&w, type, type == L2TP_SCCRQ ? 0 : OURS, session);
    writer_bytes(&w, avps.at, avps.left);
    if (!l2tp_end(&w))
        return;
    wire_put16(bytes + 8, lab->ns++);
    wire_put16(bytes + 10, lab->nr);
    receive(lab, reader_of(bytes, w.len));
}

static void
wish(struct lab *lab, uint8_t what)
{
    struct l2tp_call *c = l2tp_tunnel_call(lab->t, what);

    if (c && c->up) {
        lab->n_up--;
        l2tp_tunnel_hang_up(lab->t, c, L2TP_CALL_CARRIER, lab->now_us);
    } else if (what == 255) {
        l2tp_tunnel_close(lab->t, L2TP_STOP_SHUTDOWN, PE_DISCONNECTED, lab->now_us);
    } else if (what == 254) {
        lab->refuses = !lab->refuses;
    } else {
        lab->t->heard_us = lab->now_us;
    }
}

static void
step(struct lab *lab, struct reader *in)
{
    switch (reader_u8(in) % 6) {
    case 0:
    case 1:
        say(lab, in);
        break;
    case 2: {
        struct reader packet = reader_sub(in, reader_u8(in));
        if (reader_ok(&packet))
            receive(lab, packet);
        break;
    }
    case 3:
        lab->now_us += reader_u8(in) * S / 4;
        break;
    case 4:
        lab->ns--;
        break;
    default:
        wish(lab, reader_u8(in));
    }
}

static void
check(struct lab *lab, enum l2tp_state before)
{
    const struct l2tp_tunnel *t = lab->t;
    unsigned n = 0;
    unsigned up = 0;

    for (unsigned i = 0; i < L2TP_SESSIONS_TUNNEL; i++) {
        n += t->call[i] != NULL;
        up += t->call[i] && t->call[i]->up;
    }
    g_assert(n == t->n_calls && up == lab->n_up);
    g_assert(t->state >= before);
    g_assert(t->state == L2TP_OPEN || n == 0);
    int64_t due_us = l2tp_tunnel_deadline(t);
    g_assert(due_us == 0 || due_us > lab->now_us);
    g_assert(due_us != 0 || t->state == L2TP_OVER);
    g_assert(t->shown || lab->sent <= lab->got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader in = reader_of(data, size);
    uint8_t how = reader_u8(&in);
    struct secret *secret = how & 2 ? secret_text("s3cret") : NULL;
    struct l2tp_tunnel_config config = {.id = OURS, .proven = how & 1, .secret = secret};
    struct lab lab = {.now_us = S};

    lab.t = l2tp_tunnel_new(&config, &ops, &lab, lab.now_us);
    for (unsigned i = 0; i < STEPS_MAX && in.left > 0 && lab.t->state != L2TP_OVER; i++) {
        enum l2tp_state before = lab.t->state;
        step(&lab, &in);
        l2tp_tunnel_tick(lab.t, lab.now_us);
        check(&lab, before);
    }
    l2tp_tunnel_free(lab.t);
    secret_free(secret);
    return 0;
}
