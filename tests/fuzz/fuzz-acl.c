/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-acl.c - arbitrary rules and packets: the compiled list says what the plain law says, with
 * its memory and without, and the text of a rule is read as the rule it was printed from.
 *
 * Input: options, sets, rules and packets, field by field, in small domains, so that rules and
 * packets meet. What is missing at the end is zero. Text behind a first byte of 0xff is given to
 * the parser of rules as it is.
 */

#include "core/base/reader.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/hub/acl_law.h"

enum { RULES = 96, PACKETS = 48, SETS = 2 };

static const char *const users[] = {NULL, "anna", "Bob", "staff", "guests", "ANNA", "nobody-else"};
static const char *const set_names[SETS] = {"office", "Lab"};

static const char *
take_user(struct reader *r)
{
    return users[reader_u8(r) % ARRAY_LEN(users)];
}

/* A few addresses, near each other in each byte. */
static void
take_address(struct reader *r, bool is_ip6, uint8_t out[16])
{
    uint8_t a = reader_u8(r);
    uint8_t b = reader_u8(r);

    memset(out, 0, 16);
    out[0] = is_ip6 ? 0xfd : 10;
    out[1] = a & 3;
    out[is_ip6 ? 14 : 2] = a >> 4 & 3;
    out[is_ip6 ? 15 : 3] = b & 7;
}

static void
take_mask(struct reader *r, bool is_ip6, uint8_t out[16])
{
    uint8_t a = reader_u8(r);
    unsigned bytes = is_ip6 ? 16 : 4;

    acl_mask_of_length(a % (bytes * 8 + 1), out, 16);
    if (a % 5 == 0) /* with a hole */
        out[1] = reader_u8(r);
}

static void
take_mac(struct reader *r, struct mac *out)
{
    uint8_t a = reader_u8(r);

    *out = (struct mac){{0x5e, a & 1, 0, 0, a >> 1 & 1, a >> 2 & 3}};
}

static uint16_t
take_port(struct reader *r)
{
    static const uint16_t ports[] = {22, 80, 443, 255, 256, 257, 511, 512, 65535, 1, 0, 8080};

    return ports[reader_u8(r) % ARRAY_LEN(ports)];
}

static uint8_t
take_protocol(struct reader *r)
{
    static const uint8_t protocols[] = {0, 6, 17, 1, 58, 47, 6, 17};

    return protocols[reader_u8(r) % ARRAY_LEN(protocols)];
}

static void
take_side(struct reader *r, bool is_ip6, struct acl_side *s)
{
    uint8_t what = reader_u8(r);

    if (what & 1) {
        take_address(r, is_ip6, s->ip);
        take_mask(r, is_ip6, s->mask);
    } else if (what & 2) {
        s->set = g_strdup((what & 4) ? "OFFICE" : (what & 8) ? "lab" : "missing");
    }
    if (what & 16)
        s->user = g_strdup(take_user(r));
    if (what & 32) {
        s->check_mac = true;
        take_mac(r, &s->mac);
        take_mac(r, &s->mac_mask);
    }
    if (what & 64) {
        s->first_port = take_port(r);
        s->last_port = take_port(r);
    }
}

static bool
take_rule(struct reader *r, uint32_t id, struct acl_rule *out)
{
    uint8_t what = reader_u8(r);
    uint8_t more = reader_u8(r);

    acl_rule_init(out);
    out->id = id;
    out->priority = 1 + (what & 7);
    out->active = !(what & 8) || !(what & 16);
    out->is_ip6 = what & 32;
    out->discard = what & 64;
    if (more & 1)
        take_side(r, out->is_ip6, &out->src);
    if (more & 2)
        take_side(r, out->is_ip6, &out->dst);
    if (more & 4)
        out->protocol = take_protocol(r);
    out->check_tcp_state = more & 8;
    out->established = more & 16;
    if (more & 32 && !out->discard)
        out->delay_ms = reader_u8(r);
    if (more & 64)
        out->note = g_strdup("why = because");
    return acl_rule_check(out, NULL);
}

static void
check_text(const struct acl_rule *r)
{
    g_autofree char *text = acl_rule_print(r);
    g_autofree char *words = acl_rule_say(r);
    struct acl_rule again;

    g_assert_cmpuint(strlen(words), >, 0);
    g_assert_true(acl_rule_parse(text, &again, NULL));
    g_autofree char *once_more = acl_rule_print(&again);
    g_assert_cmpstr(text, ==, once_more);
    acl_rule_clear(&again);
}

static GPtrArray *
take_sets(struct reader *r)
{
    GPtrArray *sets = acl_sets_new();

    for (unsigned i = 0; i < SETS; i++) {
        struct acl_set *s = acl_set_new(set_names[i]);
        unsigned n = reader_u8(r) % 6;
        for (unsigned k = 0; k < n; k++) {
            uint8_t len = reader_u8(r);
            bool is_ip6 = len & 0x80;
            struct ip_prefix p = {.ip = {.family = is_ip6 ? 6 : 4},
                                  .len = (uint8_t)((len & 0x7f) % (is_ip6 ? 129 : 33))};
            take_address(r, is_ip6, p.ip.b);
            g_array_append_val(s->prefixes, p);
        }
        g_ptr_array_add(sets, s);
    }
    return sets;
}

static struct law_packet
take_packet(struct reader *r)
{
    uint8_t what = reader_u8(r);
    struct law_packet p = {.type = (enum law_type)(what & 3), .tags = what >> 2 & 1};

    take_address(r, p.type == LAW_IP6, p.src);
    take_address(r, p.type == LAW_IP6, p.dst);
    take_mac(r, &p.src_mac);
    take_mac(r, &p.dst_mac);
    p.protocol = take_protocol(r);
    if (p.protocol == 0)
        p.protocol = 132;
    p.sport = take_port(r);
    p.dport = take_port(r);
    p.tcp_flags = reader_u8(r);
    p.fragment = (enum law_fragment)((what >> 3 & 1) * (what >> 4 & 3));
    p.user = take_user(r);
    p.group = take_user(r);
    p.to_known = what & 0x80;
    p.to_user = p.to_known ? take_user(r) : NULL;
    p.to_group = p.to_known ? take_user(r) : NULL;
    return p;
}

static void
check_packet(const struct acl *a, struct acl_cache *cache, struct acl_names *names,
             const struct law_verdict *want, const struct law_packet *p)
{
    struct law_verdict without = law_ask(a, NULL, names, p);
    struct law_verdict with = law_ask(a, cache, names, p);

    g_assert_cmpint(without.say, ==, want->say);
    g_assert_cmpuint(without.id, ==, want->id);
    g_assert_cmpint(with.say, ==, want->say);
    g_assert_cmpuint(with.id, ==, want->id);
}

static void
check_list(struct reader *r)
{
    static const uint64_t secret[4] = {1, 2, 3, 4};
    g_autoptr(GArray) rules = acl_rules_new();
    uint8_t options = reader_u8(r);
    g_autoptr(GPtrArray) sets = take_sets(r);
    unsigned n = reader_u8(r) % RULES;

    for (unsigned i = 0; i < n; i++) {
        struct acl_rule rule;
        if (take_rule(r, 1 + (i * 37) % 101, &rule)) {
            check_text(&rule);
            g_array_append_val(rules, rule);
        } else {
            acl_rule_clear(&rule);
        }
    }
    struct acl_names *names = acl_names_new();
    const struct acl_rule *first = &g_array_index(rules, struct acl_rule, 0);
    struct acl_config config = {
        .rules = first, .n = rules->len, .sets = sets, .names = names, .serial = 1};
    struct acl *a = acl_compile(&config);
    struct acl_cache *cache = acl_cache_new(secret);
    for (unsigned i = 0; a && i < PACKETS && r->left > 0; i++) {
        struct law_packet p = take_packet(r);
        p.on_arp = options & 1;
        struct law_verdict want = law_judge(first, rules->len, sets, &p);
        check_packet(a, cache, names, &want, &p);
    }
    acl_cache_free(cache);
    acl_free(a);
    g_assert_cmpuint(acl_names_count(names), ==, 0);
    acl_names_unref(names);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct acl_rule rule;

    if (size == 0 || data[0] != 0xff) {
        check_list(&r);
        return 0;
    }
    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
    if (acl_rule_parse(text, &rule, NULL)) {
        check_text(&rule);
        acl_rule_clear(&rule);
    }
    return 0;
}
