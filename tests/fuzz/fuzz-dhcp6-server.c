/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-dhcp6-server.c - a script of messages, pauses, other prefixes and restarts to a DHCPv6
 * server.
 *
 * Laws: no address is leased to two clients; what was told of leases is what the list says; after a
 * tick nothing is due; every answer can be parsed, fits, and says that it is ours.
 */

#include "core/hub/dhcp/dhcp6_server.h"
#include "core/net/dhcp6.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#define S INT64_C(1000000)

enum { CLIENTS = 16 };

struct lab {
    struct dhcp6_server *s;
    struct dhcp6_server_config config;
    int64_t now_us;
    uint32_t random;
    GHashTable *told; /* of struct dhcp_lease, by its address */
};

static int64_t
wall_ms(const struct lab *lab)
{
    return 1000 + lab->now_us / 1000;
}

static unsigned
hash_ip(const void *ip)
{
    GBytes *b = g_bytes_new_static(ip, sizeof(struct ip));
    unsigned h = g_bytes_hash(b);
    g_bytes_unref(b);
    return h;
}

static int
equal_ip(const void *a, const void *b)
{
    return ip_equal(a, b);
}

static void
on_send(void *owner, struct reader payload, const uint8_t dst[16], const struct mac *mac)
{
    struct dhcp6_message m;
    struct reader value;

    (void)owner;
    (void)mac;
    g_assert(dst[0] == 0xfe && payload.left <= DHCP6_MESSAGE_MAX);
    g_assert(dhcp6_parse(payload, &m) == DROP_NONE);
    g_assert(m.type == DHCP6_ADVERTISE || m.type == DHCP6_REPLY);
    g_assert(dhcp6_find_option(m.options, DHCP6_OPT_SERVER_ID, &value));
}

static void
on_lease(void *owner, const struct dhcp_lease *lease)
{
    struct lab *lab = owner;
    const struct dhcp_lease *before = g_hash_table_lookup(lab->told, &lease->ip);

    g_assert(lease->ip.family == 6);
    if (lease->expires_ms == 0) {
        g_assert(before);
        g_hash_table_remove(lab->told, &lease->ip);
        return;
    }
    g_assert(memcmp(lease->ip.b, lab->config.prefix, 8) == 0);
    g_assert(!before || (before->client_id_len == lease->client_id_len &&
                         memcmp(before->client_id, lease->client_id, lease->client_id_len) == 0));
    struct dhcp_lease *copy = g_memdup2(lease, sizeof *lease);
    g_hash_table_replace(lab->told, &copy->ip, copy);
}

/* Few different ones, so that they meet. */
static void
on_random(void *owner, void *out, size_t len)
{
    struct lab *lab = owner;

    memset(out, 0x11, len);
    lab->random++;
    *(uint8_t *)out = (uint8_t)(lab->random % 7 + lab->random / 64);
}

static const struct dhcp6_server_ops ops = {
    .send = on_send, .lease = on_lease, .random = on_random};

static void
check(const struct lab *lab)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(struct dhcp_lease));

    dhcp6_server_list(lab->s, list);
    g_assert(list->len == dhcp6_server_n(lab->s));
    g_assert(list->len == g_hash_table_size(lab->told));
    for (unsigned i = 0; i < list->len; i++) {
        const struct dhcp_lease *l = &g_array_index(list, struct dhcp_lease, i);
        const struct dhcp_lease *t = g_hash_table_lookup(lab->told, &l->ip);
        g_assert(t && t->expires_ms == l->expires_ms && l->expires_ms > wall_ms(lab));
    }
}

static void
restart(struct lab *lab)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(struct dhcp_lease));

    dhcp6_server_list(lab->s, list);
    dhcp6_server_free(lab->s);
    g_hash_table_remove_all(lab->told);
    lab->s = dhcp6_server_new(&lab->config, &ops, lab);
    for (unsigned i = 0; i < list->len; i++)
        dhcp6_server_restore(lab->s, &g_array_index(list, struct dhcp_lease, i), lab->now_us,
                             wall_ms(lab));
    g_array_set_size(list, 0);
    dhcp6_server_list(lab->s, list);
    for (unsigned i = 0; i < list->len; i++) {
        struct dhcp_lease *copy =
            g_memdup2(&g_array_index(list, struct dhcp_lease, i), sizeof *copy);
        g_hash_table_replace(lab->told, &copy->ip, copy);
    }
}

/* The nth address that is leased, if there are so many. */
static const struct ip *
pick(struct lab *lab, uint8_t n)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(struct dhcp_lease));

    dhcp6_server_list(lab->s, list);
    if (list->len == 0)
        return NULL;
    const struct dhcp_lease *l = &g_array_index(list, struct dhcp_lease, n % list->len);
    const struct dhcp_lease *t = g_hash_table_lookup(lab->told, &l->ip);
    return &t->ip;
}

/* type, client, flags, address, n, n bytes of options */
static void
say(struct lab *lab, struct reader *r)
{
    static const uint8_t server_id[] = {0, 3, 0, 1, 2, 0, 0, 0, 0, 9};
    static const uint8_t src[16] = {0xfe, 0x80};
    uint8_t bytes[600];
    struct writer w = writer_of(bytes, sizeof bytes);
    uint8_t type = reader_u8(r);
    uint8_t client = reader_u8(r) % CLIENTS;
    uint8_t flags = reader_u8(r);
    const struct ip *named = pick(lab, reader_u8(r));
    struct reader options = reader_sub(r, reader_u8(r));
    struct mac from = {{2, 0, 0, 0, 0, flags & 16 ? 0 : client}};
    unsigned n_ia = flags >> 6;

    dhcp6_write_header(&w, 1 + type % 11, client);
    if (!(flags & 1))
        dhcp6_write_option(&w, DHCP6_OPT_CLIENT_ID, &client, 1);
    if (flags & 2)
        dhcp6_write_option(&w, DHCP6_OPT_SERVER_ID, server_id, sizeof server_id);
    if (flags & 4)
        dhcp6_write_option(&w, DHCP6_OPT_RAPID_COMMIT, NULL, 0);
    for (unsigned i = 0; i < n_ia; i++) {
        size_t mark =
            dhcp6_begin_option(&w, flags & 32 && i == 1 ? DHCP6_OPT_IA_PD : DHCP6_OPT_IA_NA);
        writer_u32(&w, i);
        writer_u64(&w, 0);
        if (named && flags & 8) {
            size_t inner = dhcp6_begin_option(&w, DHCP6_OPT_IA_ADDR);
            writer_bytes(&w, named->b, 16);
            writer_u64(&w, 0);
            dhcp6_end_option(&w, inner);
        }
        dhcp6_end_option(&w, mark);
    }
    writer_bytes(&w, options.at, options.left);
    g_assert(writer_ok(&w));
    dhcp6_server_received(lab->s, reader_of(bytes, w.len), src, &from, lab->now_us, wall_ms(lab));
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
        lab->config.prefix[7] = reader_u8(r) % 3;
        dhcp6_server_set_config(lab->s, &lab->config);
        break;
    case 3:
        restart(lab);
        break;
    default:
        say(lab, r);
        break;
    }
    dhcp6_server_tick(lab->s, lab->now_us, wall_ms(lab));
    int64_t due_us = dhcp6_server_deadline(lab->s);
    g_assert(due_us == 0 || due_us > lab->now_us);
    check(lab);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t src[16] = {0xfe, 0x80};
    struct reader r = reader_of(data, size);
    struct mac from = {{2, 0, 0, 0, 0, 1}};

    if (size > 2000)
        return 0;
    struct lab *lab = g_new0(struct lab, 1);
    lab->now_us = 1 * S;
    lab->told = g_hash_table_new_full(hash_ip, equal_ip, NULL, g_free);
    lab->config = (struct dhcp6_server_config){.prefix = {0xfd},
                                               .mac = {{2, 0, 0, 0, 0, 9}},
                                               .stateful = true,
                                               .lease_s = 100,
                                               .dns = {0xfd, [15] = 1},
                                               .mtu = 1400};
    memset(lab->config.domain, 'a', DHCP4_DOMAIN_MAX); /* as long as can be */
    for (unsigned i = 60; i < DHCP4_DOMAIN_MAX; i += 60)
        lab->config.domain[i] = '.';
    lab->s = dhcp6_server_new(&lab->config, &ops, lab);
    dhcp6_server_received(lab->s, r, src, &from, lab->now_us, wall_ms(lab)); /* as it is */
    while (r.left > 0)
        step(lab, &r);
    dhcp6_server_free(lab->s);
    g_hash_table_destroy(lab->told);
    g_free(lab);
    return 0;
}
