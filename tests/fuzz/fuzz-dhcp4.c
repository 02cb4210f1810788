/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-dhcp4.c - DHCP messages to the parser and, with the right xid and address put in, to a
 * client in each of its states.
 *
 * Input: one byte of options (how far the client has come), then a message. Laws: an option is
 * never longer than what came; a lease has an address that a host may have and counts in bounds;
 * a deadline is never in the past; what is sent can be parsed.
 */

#include "core/net/dhcp4_client.h"
#include "core/net/ip4.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/net/packet.h"

#define S INT64_C(1000000)

static const struct mac client_mac = {{2, 0, 0, 0, 0, 5}};

struct lab {
    struct dhcp4_client c;
    struct dhcp4_message last;
    uint8_t bytes[1500];
    uint32_t random;
};

static void
on_send(void *owner, struct reader payload, uint32_t src, uint32_t dst)
{
    struct lab *lab = owner;

    (void)src;
    (void)dst;
    g_assert(payload.left <= sizeof lab->bytes);
    memcpy(lab->bytes, payload.at, payload.left);
    g_assert(dhcp4_parse(reader_of(lab->bytes, payload.left), &lab->last) == DROP_NONE);
}

static void
on_bound(void *owner, const struct dhcp4_lease *l, bool changed)
{
    (void)owner;
    (void)changed;
    g_assert(ip4_is_host(l->address) && l->prefix_len <= 32);
    g_assert(l->n_dns <= DHCP4_DNS_MAX && l->n_routes <= DHCP4_ROUTES_MAX);
    g_assert(l->n_gateways <= DHCP4_GATEWAYS_MAX && (l->n_routes == 0 || l->n_gateways == 0));
    g_assert(strlen(l->domain) <= DHCP4_DOMAIN_MAX);
    g_assert(l->t1_s <= l->t2_s && l->t2_s <= l->lease_s && l->t1_s > 0);
    for (unsigned i = 0; i < l->n_routes; i++)
        g_assert(l->route[i].len <= 32);
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

static const struct dhcp4_client_ops ops = {
    .send = on_send, .bound = on_bound, .lost = on_lost, .random = on_random};

static void
answer(struct lab *lab, enum dhcp4_type type)
{
    uint8_t bytes[600];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct dhcp4_message m = {.reply = true,
                              .xid = lab->last.xid,
                              .type = type,
                              .yiaddr = 0x0a000005,
                              .chaddr = client_mac};

    dhcp4_write_header(&w, &m);
    dhcp4_write_option_u32(&w, DHCP4_OPT_SERVER, 0x0a000001);
    dhcp4_write_option_u32(&w, DHCP4_OPT_LEASE, 1000);
    dhcp4_write_end(&w);
    dhcp4_client_received(&lab->c, reader_of(bytes, w.len), 1 * S);
}

/* Selecting, requesting, rebooting, bound, renewing, rebinding. */
static int64_t
bring_to(struct lab *lab, unsigned stage)
{
    dhcp4_client_init(&lab->c, &client_mac, NULL, &ops, lab);
    dhcp4_client_start(&lab->c, stage == 2 ? 0x0a000005 : 0, 1 * S);
    if (stage == 0 || stage == 2)
        return 1 * S;
    answer(lab, DHCP4_OFFER);
    if (stage == 1)
        return 1 * S;
    answer(lab, DHCP4_ACK);
    int64_t now_us = 1 * S;
    enum dhcp4_state want = stage == 4   ? DHCP4_RENEWING
                            : stage == 5 ? DHCP4_REBINDING
                                         : DHCP4_BOUND;
    while (lab->c.state != want) {
        now_us = lab->c.deadline_us;
        dhcp4_client_tick(&lab->c, now_us);
    }
    return now_us;
}

static void
check_parse(struct reader in)
{
    struct dhcp4_message m;
    uint8_t out[DHCP4_OPTION_MAX];
    uint32_t addresses[DHCP4_DNS_MAX];
    struct dhcp4_route routes[DHCP4_ROUTES_MAX];

    if (dhcp4_parse(in, &m) != DROP_NONE)
        return;
    for (unsigned code = 1; code < 255; code++)
        g_assert(dhcp4_option(&m, (uint8_t)code, out, sizeof out) <= (int)in.left);
    g_assert(dhcp4_option_addresses(&m, DHCP4_OPT_DNS, addresses, 8) <= 8);
    g_assert(dhcp4_option_routes(&m, routes) <= DHCP4_ROUTES_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1500)
        return 0;
    check_parse(reader_of(data + 1, size - 1));

    struct lab *lab = g_new0(struct lab, 1);
    int64_t now_us = bring_to(lab, data[0] % 6);
    g_autofree uint8_t *bytes = g_memdup2(data, size);
    if (size > 1 + 34) { /* the fuzzer need not guess these */
        bytes[1] = 2;
        put32(bytes + 1 + 4, lab->c.xid);
        memcpy(bytes + 1 + 28, client_mac.b, 6);
    }
    dhcp4_client_received(&lab->c, reader_of(bytes + 1, size - 1), now_us);
    for (unsigned i = 0; i < 8 && lab->c.deadline_us != 0; i++) {
        g_assert(lab->c.deadline_us >= now_us);
        now_us = lab->c.deadline_us;
        dhcp4_client_tick(&lab->c, now_us);
    }
    dhcp4_client_stop(&lab->c, now_us);
    g_assert(lab->c.deadline_us == 0);
    g_free(lab);
    return 0;
}
