/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp_rig.h - a DHCPv4 server in a time of its own, what it sent, and messages of clients. */
#pragma once

#include "core/hub/dhcp/dhcp4_server.h"
#include "core/net/dhcp4.h"

#include <glib.h>

#include <string.h>

#define S  INT64_C(1000000)
#define MS INT64_C(1000)

enum { NET = 0x0a000000, SERVER = 0x0a000001, ALL = 0xffffffff, WALL_START_MS = 1000000 };

static const struct mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

struct lab {
    struct dhcp4_server *s;
    int64_t now_us;
    unsigned sent, probes, told, gone;
    uint8_t bytes[DHCP4_MESSAGE_MAX];
    size_t len;
    struct dhcp4_message last; /* what was sent, NULL options when nothing was */
    uint32_t dst;
    struct mac mac;
    uint32_t probed, in_use; /* in_use: answers every probe of it; ALL: of any address */
    struct dhcp_lease lease; /* the last one told */
    GHashTable *leased;      /* of addresses, as told */
    void (*deliver)(struct lab *lab, struct reader payload, const struct mac *mac);
};

/* What a client says. */
struct say {
    enum dhcp4_type type;
    unsigned client; /* its hardware address */
    const struct mac *from;
    uint32_t ciaddr, giaddr, address, server, lease_s;
    bool broadcast;
    const char *id, *hostname;
    const uint8_t *parameters;
    uint8_t n_parameters;
    uint16_t max_size;
};

static inline struct mac
mac_of(unsigned client)
{
    return (struct mac){
        {2, 0, 0, (uint8_t)(client >> 16), (uint8_t)(client >> 8), (uint8_t)client}};
}

static inline int64_t
wall_ms(const struct lab *lab)
{
    return WALL_START_MS + lab->now_us / 1000;
}

static void
rig_send(void *owner, struct reader payload, uint32_t dst, const struct mac *mac)
{
    struct lab *lab = owner;

    g_assert_cmpuint(payload.left, <=, sizeof lab->bytes);
    memcpy(lab->bytes, payload.at, payload.left);
    lab->len = payload.left;
    g_assert_cmpint(dhcp4_parse(reader_of(lab->bytes, lab->len), &lab->last), ==, DROP_NONE);
    g_assert_true(lab->last.reply);
    lab->dst = dst;
    lab->mac = *mac;
    lab->sent++;
    if (lab->deliver)
        lab->deliver(lab, reader_of(lab->bytes, lab->len), mac);
}

static void
rig_probe(void *owner, uint32_t address)
{
    struct lab *lab = owner;

    lab->probed = address;
    lab->probes++;
    if (lab->in_use == address || lab->in_use == ALL)
        dhcp4_server_conflict(lab->s, address, lab->now_us);
}

static void
rig_lease(void *owner, const struct dhcp_lease *lease)
{
    struct lab *lab = owner;
    void *key = GUINT_TO_POINTER(ip_to_v4(&lease->ip));

    lab->lease = *lease;
    if (lease->expires_ms == 0) {
        lab->gone++;
        g_assert_true(g_hash_table_remove(lab->leased, key));
    } else {
        lab->told++;
        g_assert_cmpint(lease->expires_ms, >, wall_ms(lab));
        g_hash_table_add(lab->leased, key);
    }
}

static const struct dhcp4_server_ops rig_ops = {
    .send = rig_send, .probe = rig_probe, .lease = rig_lease};

/* 10.0.0.1/16 leases 10.0.0.10 to .19 for 1000 s. */
static inline struct dhcp4_server_config
rig_config(void)
{
    return (struct dhcp4_server_config){.server = SERVER,
                                        .first = NET + 10,
                                        .last = NET + 19,
                                        .mask = 0xffff0000,
                                        .lease_s = 1000,
                                        .gateway = SERVER,
                                        .dns = {SERVER},
                                        .domain = "example.org"};
}

static inline struct lab *
rig_new(const struct dhcp4_server_config *config)
{
    struct lab *lab = g_new0(struct lab, 1);

    lab->now_us = 5 * S;
    lab->leased = g_hash_table_new(NULL, NULL);
    lab->s = dhcp4_server_new(config, &rig_ops, lab);
    g_assert_cmpint(dhcp4_server_deadline(lab->s), ==, 0);
    return lab;
}

static inline void
rig_free(struct lab *lab)
{
    g_assert_cmpuint(g_hash_table_size(lab->leased), ==, dhcp4_server_n(lab->s));
    dhcp4_server_free(lab->s);
    g_hash_table_destroy(lab->leased);
    g_free(lab);
}

/* Says it; whether it was answered at once. */
static inline bool
say(struct lab *lab, const struct say *what)
{
    uint8_t bytes[DHCP4_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct dhcp4_message m = {.type = what->type,
                              .xid = 0x1000 + what->client,
                              .broadcast = what->broadcast,
                              .ciaddr = what->ciaddr,
                              .giaddr = what->giaddr,
                              .chaddr = mac_of(what->client)};
    unsigned before = lab->sent;

    dhcp4_write_header(&w, &m);
    if (what->address != 0)
        dhcp4_write_option_u32(&w, DHCP4_OPT_ADDRESS, what->address);
    if (what->server != 0)
        dhcp4_write_option_u32(&w, DHCP4_OPT_SERVER, what->server);
    if (what->lease_s != 0)
        dhcp4_write_option_u32(&w, DHCP4_OPT_LEASE, what->lease_s);
    if (what->id)
        dhcp4_write_option(&w, DHCP4_OPT_CLIENT_ID, what->id, strlen(what->id));
    if (what->hostname)
        dhcp4_write_option(&w, DHCP4_OPT_HOSTNAME, what->hostname, strlen(what->hostname));
    if (what->n_parameters > 0)
        dhcp4_write_option(&w, DHCP4_OPT_PARAMETERS, what->parameters, what->n_parameters);
    if (what->max_size != 0) {
        uint8_t size[2] = {(uint8_t)(what->max_size >> 8), (uint8_t)what->max_size};
        dhcp4_write_option(&w, DHCP4_OPT_MAX_SIZE, size, 2);
    }
    dhcp4_write_end(&w);
    g_assert_true(writer_ok(&w));
    dhcp4_server_received(lab->s, reader_of(bytes, w.len), what->from ? what->from : &m.chaddr,
                          lab->now_us, wall_ms(lab));
    if (lab->sent == before)
        return false;
    g_assert_cmphex(lab->last.xid, ==, m.xid);
    return true;
}

/* Lets the time pass. */
static inline void
pass(struct lab *lab, int64_t us)
{
    int64_t until_us = lab->now_us + us;
    int64_t due_us = 0;

    while ((due_us = dhcp4_server_deadline(lab->s)) != 0 && due_us <= until_us) {
        g_assert_cmpint(due_us, >=, lab->now_us);
        lab->now_us = due_us;
        dhcp4_server_tick(lab->s, lab->now_us, wall_ms(lab));
    }
    lab->now_us = until_us;
}

/* DISCOVER; the address that is offered, 0 for none. */
static inline uint32_t
discover(struct lab *lab, unsigned client)
{
    unsigned before = lab->sent;

    (void)say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = client});
    if (lab->sent == before)
        pass(lab, 600 * MS);
    if (lab->sent == before)
        return 0;
    g_assert_cmpint(lab->last.type, ==, DHCP4_OFFER);
    return lab->last.yiaddr;
}

/* REQUEST of what was offered; whether it was granted. */
static inline bool
accept_offer(struct lab *lab, unsigned client, uint32_t address)
{
    return say(lab, &(struct say){.type = DHCP4_REQUEST,
                                  .client = client,
                                  .address = address,
                                  .server = SERVER}) &&
           lab->last.type == DHCP4_ACK;
}

static inline uint32_t
get_lease(struct lab *lab, unsigned client)
{
    uint32_t address = discover(lab, client);

    return address != 0 && accept_offer(lab, client, address) ? address : 0;
}

static inline struct dhcp_counters
counters(const struct lab *lab)
{
    struct dhcp_counters c;
    dhcp4_server_counters(lab->s, &c);
    return c;
}
