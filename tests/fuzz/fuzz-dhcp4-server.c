/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-dhcp4-server.c - a script of messages, conflicts, pauses, other configurations and restarts
 * to a DHCPv4 server.
 *
 * Laws: no address is leased to two clients; what is offered or leased is of the pool and nobody's
 * special address; what was told of leases is what the list says; after a tick nothing is due;
 * every answer can be parsed and fits.
 */

#include "core/hub/dhcp/dhcp4_server.h"
#include "core/net/dhcp4.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#define S INT64_C(1000000)

enum { NET = 0x0a000000, SERVER = NET + 1, GATEWAY = NET + 4, CLIENTS = 16, SPAN = 32 };

struct lab {
    struct dhcp4_server *s;
    struct dhcp4_server_config config;
    struct dhcp_reservation reservation;
    int64_t now_us;
    uint32_t in_use;
    struct dhcp_lease told[SPAN]; /* by address; expires_ms 0: none */
};

static int64_t
wall_ms(const struct lab *lab)
{
    return 1000 + lab->now_us / 1000;
}

static struct dhcp_lease *
told(struct lab *lab, uint32_t address)
{
    g_assert(address >= NET + 2 && address < NET + SPAN - 1);
    g_assert(address != SERVER && address != GATEWAY);
    return &lab->told[address - NET];
}

static void
on_send(void *owner, struct reader payload, uint32_t dst, const struct mac *mac)
{
    struct lab *lab = owner;
    struct dhcp4_message m;

    (void)dst;
    (void)mac;
    g_assert(payload.left <= DHCP4_MESSAGE_MAX && payload.left >= DHCP4_MESSAGE_MIN);
    g_assert(dhcp4_parse(payload, &m) == DROP_NONE && m.reply);
    g_assert(m.type == DHCP4_OFFER || m.type == DHCP4_ACK || m.type == DHCP4_NAK);
    if (m.type == DHCP4_NAK)
        g_assert(m.yiaddr == 0);
    if (m.yiaddr == 0)
        return;
    const struct dhcp_lease *l = told(lab, m.yiaddr);
    if (m.type == DHCP4_ACK)
        g_assert(l->expires_ms > wall_ms(lab) && mac_equal(&l->mac, &m.chaddr));
}

static void
on_probe(void *owner, uint32_t address)
{
    struct lab *lab = owner;

    g_assert(told(lab, address)->expires_ms == 0);
    if (address == lab->in_use)
        dhcp4_server_conflict(lab->s, address, lab->now_us);
}

static void
on_lease(void *owner, const struct dhcp_lease *lease)
{
    struct lab *lab = owner;
    struct dhcp_lease *before = told(lab, ip_to_v4(&lease->ip));

    if (lease->expires_ms == 0) {
        g_assert(before->expires_ms != 0);
    } else {
        g_assert(lease->expires_ms > wall_ms(lab) && lease->leased_ms <= wall_ms(lab));
        g_assert(strlen(lease->hostname) < sizeof lease->hostname);
        bool same_id = lease->client_id_len > 0 && before->client_id_len == lease->client_id_len &&
                       memcmp(before->client_id, lease->client_id, lease->client_id_len) == 0;
        g_assert(before->expires_ms == 0 || same_id || mac_equal(&before->mac, &lease->mac) ||
                 before->mac.b[0] == 0);
    }
    *before = *lease;
}

static const struct dhcp4_server_ops ops = {.send = on_send, .probe = on_probe, .lease = on_lease};

static void
check(struct lab *lab)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(struct dhcp_lease));
    unsigned n = 0;

    dhcp4_server_list(lab->s, list);
    g_assert(list->len == dhcp4_server_n(lab->s));
    for (unsigned i = 0; i < SPAN; i++)
        n += lab->told[i].expires_ms != 0;
    g_assert(list->len == n);
    for (unsigned i = 0; i < list->len; i++) {
        const struct dhcp_lease *l = &g_array_index(list, struct dhcp_lease, i);
        struct dhcp_lease *t = told(lab, ip_to_v4(&l->ip));
        g_assert(t->expires_ms == l->expires_ms && t->leased_ms == l->leased_ms);
        t->mac = l->mac; /* a client may be forgotten by one lease for another */
    }
}

static void
configure(struct lab *lab, uint8_t how)
{
    lab->config = (struct dhcp4_server_config){.server = SERVER,
                                               .first = NET + (how & 4 ? 10 : 2),
                                               .last = NET + (how & 2 ? 8 : 20),
                                               .mask = 0xffffffe0,
                                               .gateway = GATEWAY,
                                               .lease_s = 100,
                                               .domain = "x",
                                               .n_routes = how & 8 ? 64 : 0,
                                               .reservation = &lab->reservation,
                                               .n_reservations = how & 1};
    lab->reservation = (struct dhcp_reservation){{{2, 0, 0, 0, 0, how >> 4}}, NET + 7};
}

static void
restart(struct lab *lab)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(struct dhcp_lease));

    dhcp4_server_list(lab->s, list);
    dhcp4_server_free(lab->s);
    memset(lab->told, 0, sizeof lab->told);
    lab->s = dhcp4_server_new(&lab->config, &ops, lab);
    for (unsigned i = 0; i < list->len; i++)
        dhcp4_server_restore(lab->s, &g_array_index(list, struct dhcp_lease, i), lab->now_us,
                             wall_ms(lab));
    g_array_set_size(list, 0);
    dhcp4_server_list(lab->s, list);
    for (unsigned i = 0; i < list->len; i++) {
        const struct dhcp_lease *l = &g_array_index(list, struct dhcp_lease, i);
        *told(lab, ip_to_v4(&l->ip)) = *l;
    }
}

/* type, client, address, flags, n, n bytes of options */
static void
say(struct lab *lab, struct reader *r)
{
    uint8_t bytes[600];
    struct writer w = writer_of(bytes, sizeof bytes);
    uint8_t type = reader_u8(r);
    uint8_t client = reader_u8(r) % CLIENTS;
    uint32_t address = NET + reader_u8(r) % SPAN;
    uint8_t flags = reader_u8(r);
    struct reader options = reader_sub(r, reader_u8(r));
    struct dhcp4_message m = {.type = (enum dhcp4_type)(1 + type % 8),
                              .xid = client,
                              .broadcast = flags & 1,
                              .ciaddr = flags & 2 ? address : 0,
                              .giaddr = flags & 128 ? 1 : 0,
                              .chaddr = {{2, 0, 0, 0, 0, client}}};
    struct mac from = flags & 64 ? (struct mac){{2}} : m.chaddr;

    dhcp4_write_header(&w, &m);
    if (flags & 4)
        dhcp4_write_option_u32(&w, DHCP4_OPT_ADDRESS, address);
    if (flags & 8)
        dhcp4_write_option_u32(&w, DHCP4_OPT_SERVER, flags & 16 ? SERVER + 1 : SERVER);
    if (flags & 32)
        dhcp4_write_option(&w, DHCP4_OPT_CLIENT_ID, &client, 1);
    writer_bytes(&w, options.at, options.left);
    if (options.left == 0)
        dhcp4_write_end(&w);
    dhcp4_server_received(lab->s, reader_of(bytes, w.len), &from, lab->now_us, wall_ms(lab));
}

static void
step(struct lab *lab, struct reader *r)
{
    switch (reader_u8(r) % 8) {
    case 0:
        lab->now_us += reader_u8(r) * S / 10;
        break;
    case 1:
        lab->now_us += reader_u8(r) * S * 5;
        break;
    case 2:
        dhcp4_server_conflict(lab->s, NET + reader_u8(r) % SPAN, lab->now_us);
        break;
    case 3:
        lab->in_use = NET + reader_u8(r) % SPAN;
        break;
    case 4:
        configure(lab, reader_u8(r));
        dhcp4_server_set_config(lab->s, &lab->config);
        break;
    case 5:
        restart(lab);
        break;
    default:
        say(lab, r);
        break;
    }
    dhcp4_server_tick(lab->s, lab->now_us, wall_ms(lab));
    int64_t due_us = dhcp4_server_deadline(lab->s);
    g_assert(due_us == 0 || due_us > lab->now_us);
    check(lab);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct mac from = {{2, 0, 0, 0, 0, 1}};

    if (size > 2000)
        return 0;
    struct lab *lab = g_new0(struct lab, 1);
    lab->now_us = 1 * S;
    configure(lab, 0);
    lab->s = dhcp4_server_new(&lab->config, &ops, lab);
    dhcp4_server_received(lab->s, r, &from, lab->now_us, wall_ms(lab)); /* as it is */
    while (r.left > 0)
        step(lab, &r);
    dhcp4_server_free(lab->s);
    g_free(lab);
    return 0;
}
