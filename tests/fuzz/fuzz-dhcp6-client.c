/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-dhcp6-client.c - DHCPv6 messages, with the right transaction put in, to a client in each of
 * its states.
 *
 * Input: one byte (how far the client has come), then a message. Laws: a lease has an address that
 * a host may have and times in order; a deadline is never in the past; what is sent can be parsed.
 */

#include "core/net/dhcp6_client.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#define S INT64_C(1000000)

static const struct mac client_mac = {{0x5e, 0, 0, 0, 0, 5}};

struct lab {
    struct dhcp6_client c;
    struct dhcp6_message last;
    uint8_t bytes[512];
    uint32_t random;
};

static void
on_send(void *owner, struct reader payload)
{
    struct lab *lab = owner;

    g_assert(payload.left <= sizeof lab->bytes);
    memcpy(lab->bytes, payload.at, payload.left);
    g_assert(dhcp6_parse(reader_of(lab->bytes, payload.left), &lab->last) == DROP_NONE);
}

static void
on_bound(void *owner, const struct dhcp6_lease *l, bool changed)
{
    (void)owner;
    (void)changed;
    g_assert(l->ip[0] != 0xff && l->n_dns <= DHCP6_DNS_MAX);
    g_assert(l->t1_s > 0 && l->t1_s <= l->t2_s && l->t2_s <= l->valid_s);
}

static void
on_lost(void *owner)
{
    (void)owner;
}

static uint32_t
on_random(void *owner)
{
    struct lab *lab = owner;
    return lab->random += 0x9e3779b9;
}

static const struct dhcp6_client_ops ops = {
    .send = on_send, .bound = on_bound, .lost = on_lost, .random = on_random};

static void
answer(struct lab *lab, uint8_t type)
{
    uint8_t bytes[256];
    struct writer w = writer_of(bytes, sizeof bytes);

    dhcp6_write_header(&w, type, lab->c.transaction);
    dhcp6_write_option(&w, DHCP6_OPT_CLIENT_ID, lab->c.duid, sizeof lab->c.duid);
    dhcp6_write_option(&w, DHCP6_OPT_SERVER_ID, "server", 6);
    size_t ia = dhcp6_begin_option(&w, DHCP6_OPT_IA_NA);
    writer_u32(&w, lab->c.iaid);
    writer_zero(&w, 8);
    size_t address = dhcp6_begin_option(&w, DHCP6_OPT_IA_ADDR);
    writer_bytes(&w, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\5\0\0\1\0\0\0\2\0", 24);
    dhcp6_end_option(&w, address);
    dhcp6_end_option(&w, ia);
    dhcp6_client_received(&lab->c, reader_of(bytes, w.len), 1 * S);
}

/* Soliciting, requesting, bound, renewing, rebinding. */
static int64_t
bring_to(struct lab *lab, unsigned stage)
{
    int64_t now_us = 1 * S;

    dhcp6_client_init(&lab->c, &client_mac, &ops, lab);
    dhcp6_client_start(&lab->c, now_us);
    if (stage == 0)
        return now_us;
    answer(lab, DHCP6_ADVERTISE);
    if (stage == 1)
        return now_us;
    answer(lab, DHCP6_REPLY);
    enum dhcp6_state want = stage == 3   ? DHCP6_RENEWING
                            : stage == 4 ? DHCP6_REBINDING
                                         : DHCP6_BOUND;
    while (lab->c.state != want) {
        now_us = lab->c.deadline_us;
        dhcp6_client_tick(&lab->c, now_us);
    }
    return now_us;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1500)
        return 0;
    struct lab *lab = g_new0(struct lab, 1);
    int64_t now_us = bring_to(lab, data[0] % 5);
    g_autofree uint8_t *bytes = g_memdup2(data, size);
    if (size > 4) { /* the fuzzer need not guess this */
        bytes[2] = (uint8_t)(lab->c.transaction >> 16);
        bytes[3] = (uint8_t)(lab->c.transaction >> 8);
        bytes[4] = (uint8_t)lab->c.transaction;
    }
    dhcp6_client_received(&lab->c, reader_of(bytes + 1, size - 1), now_us);
    for (unsigned i = 0; i < 8 && lab->c.deadline_us != 0; i++) {
        g_assert(lab->c.deadline_us >= now_us);
        now_us = lab->c.deadline_us;
        dhcp6_client_tick(&lab->c, now_us);
    }
    dhcp6_client_stop(&lab->c, now_us);
    g_assert(lab->c.deadline_us == 0);
    g_free(lab);
    return 0;
}
