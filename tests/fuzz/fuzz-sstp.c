/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-sstp.c - a stream of records, with pauses, to the server's side of a call.
 *
 * Laws: records that are sent are whole; nothing comes after the end; IP passes only when the MAC
 * was right; after a tick nothing is due; the state never goes back.
 */

#include "core/proto/sstp/call.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#define S INT64_C(1000000)

struct lab {
    struct sstp_call c;
    int64_t now_us;
    bool accepted, ended;
    bool bound; /* what was connected by was right by another check */
};

static void
on_send(void *owner, struct reader record, int64_t now_us)
{
    const struct lab *lab = owner;
    struct sstp_control m;

    g_assert(!lab->ended && now_us == lab->now_us);
    g_assert(sstp_record_length(record) == (int)record.left);
    g_assert(sstp_control_parse(record, &m));
}

static void
on_accepted(void *owner, int64_t now_us)
{
    struct lab *lab = owner;

    (void)now_us;
    g_assert(!lab->accepted);
    lab->accepted = true;
}

static void
on_connected(void *owner, int64_t now_us)
{
    struct lab *lab = owner;

    (void)now_us;
    g_assert(lab->accepted && !lab->bound && lab->c.known);
    lab->bound = true;
}

static void
on_ended(void *owner, int reason, int64_t now_us)
{
    struct lab *lab = owner;

    (void)reason;
    (void)now_us;
    g_assert(!lab->ended);
    lab->ended = true;
}

static void
on_refused(void *owner, const char *why)
{
    const struct lab *lab = owner;

    g_assert(!lab->ended && why);
}

static const struct sstp_call_ops ops = {.send = on_send,
                                         .accepted = on_accepted,
                                         .connected = on_connected,
                                         .refused = on_refused,
                                         .ended = on_ended};

/* A record as it is; or, in place of one that begins with 0xff, a right Call Connected. */
static void
take(struct lab *lab, struct reader *r)
{
    uint8_t good[SSTP_CONNECTED_SIZE] = {0x10, 1, 0, 112, 0, 4, 0, 1, 0, 3, 0, 0x68, 0, 0, 0, 2};
    int len = sstp_record_length(*r);

    if (r->at[0] == 0xff && r->left > 1) {
        (void)reader_u8(r);
        good[15] = reader_u8(r);
        if (sstp_binding_mac(&lab->c.binding, good[15], good, good + 80))
            sstp_call_receive(&lab->c, reader_of(good, sizeof(good)), lab->now_us);
        return;
    }
    if (len > 0 && (size_t)len <= r->left) {
        struct reader record = reader_sub(r, (size_t)len);
        if (sstp_is_control(record.at))
            sstp_call_receive(&lab->c, record, lab->now_us);
        else
            sstp_call_heard(&lab->c, lab->now_us);
        return;
    }
    switch (reader_u8(r) % 4) { /* no record begins there: something else happens */
    case 0:
        lab->now_us += reader_u8(r) * S / 4;
        break;
    case 1:
        if (lab->accepted && !lab->c.known)
            sstp_call_known(&lab->c, NULL, lab->now_us);
        break;
    case 2:
        sstp_call_disconnect(&lab->c, 3, lab->now_us);
        break;
    case 3:
        sstp_call_broken(&lab->c, lab->now_us);
        break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct sstp_binding binding = {.hashes = SSTP_SHA1 | SSTP_SHA256};
    struct lab lab = {.now_us = S};
    enum sstp_state before = SSTP_WAIT_REQUEST;

    sstp_call_init(&lab.c, &binding, &ops, &lab, lab.now_us);
    while (r.left > 0) {
        take(&lab, &r);
        sstp_call_tick(&lab.c, lab.now_us);
        g_assert(lab.c.deadline_us == 0 || lab.c.deadline_us > lab.now_us);
        g_assert(lab.ended == (lab.c.state == SSTP_DEAD));
        g_assert(lab.c.state != SSTP_CONNECTED || lab.bound);
        g_assert(lab.c.state >= before);
        before = lab.c.state;
    }
    return 0;
}
