/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-l2tpv3.c - control packets and pauses for a control connection: pairs of a length and so
 * many bytes. Length 0: time passes.
 *
 * Laws: what is sent can be parsed and is addressed to the peer; ids are neither 0 nor there twice;
 * calls stay within their number; each call hangs up at most once; after a turn nothing is due.
 */

#include "core/net/wire.h"
#include "core/proto/l2tpv3/control.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#define S INT64_C(1000000)

enum { FIX_CONNECTION = 1, FIX_NUMBERS = 2, ACCEPT = 4, REFUSE = 8 };

struct lab {
    struct l2tpv3_control c;
    int64_t now_us;
    uint8_t mode;
    uint32_t seed;
    unsigned called, hung_up, refused;
};

static void
on_send(void *owner, struct reader packet, int64_t now_us)
{
    const struct lab *lab = owner;
    struct l2tpv3_message m;

    g_assert(now_us == lab->now_us);
    g_assert(l2tpv3_parse(packet, &m));
    g_assert(m.connection == lab->c.peer && m.connection != 0);
    g_assert(m.is_ack || packet.left > L2TPV3_HEADER);
}

static void
on_called(void *owner, struct l2tpv3_call *call, int64_t now_us)
{
    struct lab *lab = owner;

    lab->called++;
    g_assert(call->session.local_session != 0 && call->session.peer_session != 0);
    g_assert(l2tpv3_control_find(&lab->c, call->session.local_session) == call);
    g_assert(l2tpv3_control_n_calls(&lab->c) <= L2TPV3_CALLS);
    g_assert(strlen(call->remote_end) < L2TPV3_TEXT);
    if (lab->mode & ACCEPT) {
        l2tpv3_control_accept(&lab->c, call, now_us);
    } else if (lab->mode & REFUSE) {
        lab->refused++;
        l2tpv3_control_hang_up(&lab->c, call, L2TPV3_CDN_ADMINISTRATIVE, now_us);
    }
}

static void
on_hung_up(void *owner, struct l2tpv3_call *call, int64_t now_us)
{
    struct lab *lab = owner;

    (void)now_us;
    lab->hung_up++;
    g_assert(call->session.peer_session != 0);
}

static void
on_dead(void *owner, int64_t now_us)
{
    const struct lab *lab = owner;

    (void)now_us;
    g_assert(l2tpv3_control_n_calls(&lab->c) == 0);
}

static void
on_random(void *owner, void *out, size_t len)
{
    struct lab *lab = owner;
    uint8_t *at = out;

    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)((lab->seed = lab->seed * 1103515245u + 12345u) >> 16);
}

static const struct l2tpv3_control_ops ops = {.send = on_send,
                                              .called = on_called,
                                              .hung_up = on_hung_up,
                                              .dead = on_dead,
                                              .random = on_random};

/* Most packets would be for nobody, or out of order: these are put right. */
static void
repair(const struct lab *lab, uint8_t *bytes, size_t len)
{
    if (len < L2TPV3_HEADER)
        return;
    if (lab->mode & FIX_CONNECTION) {
        wire_put16(bytes, L2TPV3_CONTROL_BITS);
        wire_put16(bytes + 2, (uint16_t)len);
        if (lab->c.state != L2TPV3_IDLE && wire_get32(bytes + 4) != 0)
            wire_put32(bytes + 4, lab->c.local);
    }
    if ((lab->mode & FIX_NUMBERS) && wire_get32(bytes + 4) != 0) {
        wire_put16(bytes + RELIABLE_AT_NS, lab->c.channel.nr);
        wire_put16(bytes + RELIABLE_AT_NR, lab->c.channel.high_ns);
    }
}

static void
pass_time(struct lab *lab)
{
    int64_t at_us = l2tpv3_control_deadline(&lab->c);

    lab->now_us = MAX(lab->now_us + 1, at_us);
    l2tpv3_control_turn(&lab->c, lab->now_us);
    at_us = l2tpv3_control_deadline(&lab->c);
    g_assert(at_us == 0 || at_us > lab->now_us);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader in = reader_of(data, size);
    struct lab lab = {.now_us = S, .seed = 1};

    lab.mode = reader_u8(&in);
    l2tpv3_control_init(&lab.c, &ops, &lab);
    while (in.left > 0) {
        size_t len = reader_u8(&in);
        len = MIN(len, in.left);
        if (len == 0) {
            pass_time(&lab);
            continue;
        }
        g_autofree uint8_t *bytes = g_memdup2(reader_take(&in, len), len);
        repair(&lab, bytes, len);
        l2tpv3_control_receive(&lab.c, reader_of(bytes, len), lab.now_us);
        unsigned open = l2tpv3_control_n_calls(&lab.c);
        g_assert(lab.called == lab.hung_up + lab.refused + open);
    }
    l2tpv3_control_stop(&lab.c, L2TPV3_STOP_SHUTDOWN, lab.now_us);
    g_assert(l2tpv3_control_n_calls(&lab.c) == 0);
    l2tpv3_control_clear(&lab.c);
    return 0;
}
