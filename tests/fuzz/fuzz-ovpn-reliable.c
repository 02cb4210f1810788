/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ovpn-reliable.c - the reliability layer under a peer that does what it likes.
 *
 * Input: steps of one byte and what it needs: a packet with acks, sending, reading, time. Laws:
 * packets are delivered in order and as they came first; no more is under way than the window; an
 * ack is for what came; after pulling, nothing is due; what is quiet has no deadline.
 */

#include "core/proto/openvpn/reliable.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

enum { STEPS_MAX = 2000, IDS = 4096 };

struct lab {
    struct ovpn_reliable r;
    int64_t now_us;
    uint32_t next, sent;
    uint8_t mark[IDS]; /* first byte of the payload that was taken for an id; 0: none came */
};

static void
receive(struct lab *lab, struct reader *in)
{
    uint8_t shape = reader_u8(in);
    uint8_t content = (uint8_t)(reader_u8(in) | 1);
    struct ovpn_control c = {
        .op = shape & 0x80 ? OVPN_ACK_V1 : OVPN_CONTROL_V1,
        .n_acks = shape & 0x07,
        .has_id = !(shape & 0x80),
        .payload = reader_of(&content, 1),
    };

    for (unsigned i = 0; i < c.n_acks; i++)
        c.ack[i] = lab->sent - reader_u8(in);
    c.id = lab->next + reader_u8(in) - 8;
    if (shape & 0x40)
        c.id = reader_u32(in);
    bool taken = ovpn_reliable_received(&lab->r, &c, lab->now_us);
    g_assert(taken || (c.has_id && c.id - lab->next >= OVPN_RECEIVE_WINDOW));
    if (taken && c.has_id && c.id >= lab->next && c.id < IDS && lab->mark[c.id] == 0)
        lab->mark[c.id] = content;
}

static void
read_one(struct lab *lab)
{
    enum ovpn_op op = 0;
    struct reader payload;

    if (!ovpn_reliable_next(&lab->r, &op, &payload)) {
        g_assert(lab->next >= IDS || lab->mark[lab->next] == 0);
        return;
    }
    g_assert(op == OVPN_CONTROL_V1 && payload.left == 1);
    g_assert(lab->next >= IDS || payload.at[0] == lab->mark[lab->next]);
    lab->next++;
}

static void
pull_all(struct lab *lab)
{
    struct ovpn_control c;
    unsigned n = 0;

    while (ovpn_reliable_pull(&lab->r, lab->now_us, &c)) {
        g_assert(++n <= OVPN_SEND_WINDOW + OVPN_RECEIVE_WINDOW);
        g_assert(c.n_acks <= (c.has_id ? OVPN_PIGGYBACK_ACKS : OVPN_ACKS_MAX));
        g_assert(c.has_id || c.n_acks > 0);
        g_assert(!c.has_id || (c.id < lab->sent && lab->sent - c.id <= OVPN_SEND_WINDOW));
        for (unsigned i = 0; i < c.n_acks; i++) {
            g_assert(c.ack[i] < lab->next + OVPN_RECEIVE_WINDOW);
            for (unsigned k = 0; k < i; k++)
                g_assert(c.ack[i] != c.ack[k]);
        }
    }
    int64_t deadline = ovpn_reliable_deadline(&lab->r);
    g_assert(deadline == 0 || deadline > lab->now_us);
    g_assert(ovpn_reliable_is_quiet(&lab->r) == (deadline == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader in = reader_of(data, size);
    struct lab *lab = g_new0(struct lab, 1);

    ovpn_reliable_init(&lab->r);
    lab->now_us = 1;
    for (unsigned steps = 0; steps < STEPS_MAX && in.left > 0; steps++) {
        switch (reader_u8(&in) % 5) {
        case 0:
            receive(lab, &in);
            break;
        case 1:
            if (ovpn_reliable_has_room(&lab->r)) {
                ovpn_reliable_send(&lab->r, OVPN_CONTROL_V1, data, MIN(size, OVPN_PAYLOAD_MAX),
                                   lab->now_us);
                lab->sent++;
            }
            break;
        case 2:
            read_one(lab);
            break;
        case 3:
            pull_all(lab);
            break;
        default:
            lab->now_us += INT64_C(50000) * reader_u8(&in);
        }
    }
    pull_all(lab);
    ovpn_reliable_clear(&lab->r);
    g_free(lab);
    return 0;
}
