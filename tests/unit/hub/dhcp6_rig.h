/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp6_rig.h - a DHCPv6 server in a time of its own, what it sent, and messages of clients. */
#pragma once

#include "core/hub/dhcp/dhcp6_server.h"
#include "core/net/dhcp6.h"

#include <glib.h>

#include <string.h>

#define S  INT64_C(1000000)
#define MS INT64_C(1000)

enum { WALL_START_MS = 1000000, DUID_LEN = 10 };

static const struct mac server_mac = {{2, 0, 0, 0, 0, 1}};
static const uint8_t prefix[16] = {0xfd, 0, 0, 1, 0, 2, 0, 3};

struct lab {
    struct dhcp6_server *s;
    int64_t now_us;
    unsigned sent, told, gone;
    uint8_t bytes[DHCP6_MESSAGE_MAX];
    struct dhcp6_message last;
    uint8_t dst[16];
    struct mac mac;
    struct dhcp_lease lease; /* the last one told */
    GHashTable *leased;      /* of interface identifiers, as told */
    uint64_t random;
    uint8_t drawn[8][8]; /* comes first */
    unsigned n_drawn, at_drawn;
    void (*deliver)(struct lab *lab, struct reader payload);
};

/* What a client says. */
struct say {
    uint8_t type;
    unsigned client;
    const struct mac *from;
    bool no_client_id, other_server, no_ia, rapid;
    bool server_id;
    uint32_t iaid;
    const uint8_t *address; /* inside the IA */
    const uint8_t *more;    /* options as they are */
    size_t more_len;
};

static inline struct mac
mac_of(unsigned client)
{
    return (struct mac){
        {2, 0, 1, (uint8_t)(client >> 16), (uint8_t)(client >> 8), (uint8_t)client}};
}

static inline int64_t
wall_ms(const struct lab *lab)
{
    return WALL_START_MS + lab->now_us / 1000;
}

static void
rig_send(void *owner, struct reader payload, const uint8_t dst[16], const struct mac *mac)
{
    struct lab *lab = owner;

    g_assert_cmpuint(payload.left, <=, sizeof lab->bytes);
    memcpy(lab->bytes, payload.at, payload.left);
    g_assert_cmpint(dhcp6_parse(reader_of(lab->bytes, payload.left), &lab->last), ==, DROP_NONE);
    memcpy(lab->dst, dst, 16);
    lab->mac = *mac;
    lab->sent++;
    if (lab->deliver)
        lab->deliver(lab, reader_of(lab->bytes, payload.left));
}

static void
rig_lease(void *owner, const struct dhcp_lease *lease)
{
    struct lab *lab = owner;
    gint64 key = 0;

    memcpy(&key, lease->ip.b + 8, 8);
    lab->lease = *lease;
    g_assert_cmpuint(lease->ip.family, ==, 6);
    if (lease->expires_ms == 0) {
        lab->gone++;
        g_assert_true(g_hash_table_remove(lab->leased, &key));
    } else {
        lab->told++;
        g_hash_table_add(lab->leased, g_memdup2(&key, sizeof key));
    }
}

static void
rig_random(void *owner, void *out, size_t len)
{
    struct lab *lab = owner;
    uint8_t *at = out;

    if (lab->at_drawn < lab->n_drawn) {
        g_assert_cmpuint(len, ==, 8);
        memcpy(out, lab->drawn[lab->at_drawn++], 8);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        lab->random = lab->random * 6364136223846793005u + 1442695040888963407u;
        at[i] = (uint8_t)(lab->random >> 56);
    }
}

static const struct dhcp6_server_ops rig_ops = {
    .send = rig_send, .lease = rig_lease, .random = rig_random};

static inline struct dhcp6_server_config
rig_config(void)
{
    struct dhcp6_server_config c = {.mac = server_mac,
                                    .stateful = true,
                                    .lease_s = 1000,
                                    .dns = {0xfd, 0, 0, 1, 0, 2, 0, 3, [15] = 1},
                                    .domain = "example.org",
                                    .mtu = 1400};
    memcpy(c.prefix, prefix, 16);
    return c;
}

static inline struct lab *
rig_new(const struct dhcp6_server_config *config)
{
    struct lab *lab = g_new0(struct lab, 1);

    lab->now_us = 5 * S;
    lab->leased = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    lab->s = dhcp6_server_new(config, &rig_ops, lab);
    return lab;
}

static inline void
rig_free(struct lab *lab)
{
    g_assert_cmpuint(g_hash_table_size(lab->leased), ==, dhcp6_server_n(lab->s));
    dhcp6_server_free(lab->s);
    g_hash_table_destroy(lab->leased);
    g_free(lab);
}

static inline void
put_duid(struct writer *w, uint16_t code, const struct mac *mac)
{
    size_t mark = dhcp6_begin_option(w, code);

    writer_u32(w, 0x00030001);
    writer_bytes(w, mac->b, 6);
    dhcp6_end_option(w, mark);
}

static inline void
put_ia_option(struct writer *w, uint16_t code, uint32_t iaid, const uint8_t *address)
{
    size_t mark = dhcp6_begin_option(w, code);

    writer_u32(w, iaid);
    writer_u64(w, 0);
    if (address) {
        size_t inner = dhcp6_begin_option(w, DHCP6_OPT_IA_ADDR);
        writer_bytes(w, address, 16);
        writer_u64(w, 0);
        dhcp6_end_option(w, inner);
    }
    dhcp6_end_option(w, mark);
}

/* Says it; whether it was answered. */
static inline bool
say(struct lab *lab, const struct say *what)
{
    uint8_t bytes[DHCP6_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct mac mac = mac_of(what->client);
    struct mac other = mac_of(99999);
    uint8_t src[16] = {0xfe, 0x80, [15] = 9};
    unsigned before = lab->sent;

    dhcp6_write_header(&w, what->type, what->client);
    if (!what->no_client_id)
        put_duid(&w, DHCP6_OPT_CLIENT_ID, &mac);
    if (what->server_id)
        put_duid(&w, DHCP6_OPT_SERVER_ID, what->other_server ? &other : &server_mac);
    if (!what->no_ia)
        put_ia_option(&w, DHCP6_OPT_IA_NA, what->iaid, what->address);
    if (what->rapid)
        dhcp6_write_option(&w, DHCP6_OPT_RAPID_COMMIT, NULL, 0);
    writer_bytes(&w, what->more, what->more_len);
    g_assert_true(writer_ok(&w));
    dhcp6_server_received(lab->s, reader_of(bytes, w.len), src, what->from ? what->from : &mac,
                          lab->now_us, wall_ms(lab));
    if (lab->sent == before)
        return false;
    g_assert_cmphex(lab->last.transaction, ==, what->client);
    g_assert_cmpint(memcmp(lab->dst, src, 16), ==, 0);
    return true;
}

static inline void
pass(struct lab *lab, int64_t us)
{
    int64_t until_us = lab->now_us + us;
    int64_t due_us = 0;

    while ((due_us = dhcp6_server_deadline(lab->s)) != 0 && due_us <= until_us) {
        g_assert_cmpint(due_us, >=, lab->now_us);
        lab->now_us = due_us;
        dhcp6_server_tick(lab->s, lab->now_us, wall_ms(lab));
    }
    lab->now_us = until_us;
}

/* The status in an option list; -1: none. */
static inline int
status_in(struct reader options)
{
    struct reader value;

    if (!dhcp6_find_option(options, DHCP6_OPT_STATUS, &value))
        return -1;
    return reader_u16(&value);
}

static inline bool
answered_ia(const struct lab *lab, uint16_t code, struct dhcp6_ia *ia)
{
    struct reader value;

    return dhcp6_find_option(lab->last.options, code, &value) &&
           dhcp6_parse_ia(value, ia) == DROP_NONE;
}

/* The first address in the answer's IA; false when there is none. */
static inline bool
answered_address(const struct lab *lab, struct dhcp6_address *out)
{
    struct dhcp6_ia ia;
    struct reader value;

    return answered_ia(lab, DHCP6_OPT_IA_NA, &ia) &&
           dhcp6_find_option(ia.options, DHCP6_OPT_IA_ADDR, &value) &&
           dhcp6_parse_address(value, out) == DROP_NONE;
}

static inline int
ia_status(const struct lab *lab, uint16_t code)
{
    struct dhcp6_ia ia;

    g_assert_true(answered_ia(lab, code, &ia));
    return status_in(ia.options);
}

/* SOLICIT and REQUEST. */
static inline bool
get_lease(struct lab *lab, unsigned client, uint8_t ip[16])
{
    struct dhcp6_address a;

    g_assert_true(say(lab, &(struct say){.type = DHCP6_SOLICIT, .client = client}));
    g_assert_cmpint(lab->last.type, ==, DHCP6_ADVERTISE);
    if (!answered_address(lab, &a))
        return false;
    memcpy(ip, a.ip, 16);
    g_assert_true(say(
        lab,
        &(struct say){.type = DHCP6_REQUEST, .client = client, .server_id = true, .address = ip}));
    g_assert_cmpint(lab->last.type, ==, DHCP6_REPLY);
    g_assert_true(answered_address(lab, &a));
    g_assert_cmpint(memcmp(ip, a.ip, 16), ==, 0);
    return true;
}

static inline struct dhcp_counters
counters(const struct lab *lab)
{
    struct dhcp_counters c;
    dhcp6_server_counters(lab->s, &c);
    return c;
}
