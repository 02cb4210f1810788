/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp6_answer.c - see dhcp6_priv.h. */

#include "core/hub/dhcp/dhcp6_priv.h"

#include <glib.h>

#include <string.h>

enum { FOREIGN_MAX = 4 }; /* addresses of one association that are told to be over */

void
dhcp6_begin_answer(struct dhcp6_exchange *x, uint8_t type)
{
    x->w.len = 0;
    dhcp6_write_header(&x->w, type, x->m.transaction);
    if (x->client_id.left > 0)
        dhcp6_write_option(&x->w, DHCP6_OPT_CLIENT_ID, x->client_id.at, x->client_id.left);
    dhcp6_write_option(&x->w, DHCP6_OPT_SERVER_ID, x->s->duid, sizeof(x->s->duid));
}

void
dhcp6_put_status(struct dhcp6_exchange *x, uint16_t status)
{
    static const char *const text[] = {
        [DHCP6_SUCCESS] = "",
        [DHCP6_NO_ADDRS] = "no address is free",
        [DHCP6_NO_BINDING] = "not leased here",
        [DHCP6_NOT_ON_LINK] = "not of this network",
        [DHCP6_NO_PREFIX] = "no prefixes here",
    };
    size_t mark = dhcp6_begin_option(&x->w, DHCP6_OPT_STATUS);

    writer_u16(&x->w, status);
    writer_bytes(&x->w, text[status], strlen(text[status]));
    dhcp6_end_option(&x->w, mark);
}

static size_t
begin_ia(struct dhcp6_exchange *x, uint16_t code, uint32_t iaid, uint32_t t1_s, uint32_t t2_s)
{
    size_t mark = dhcp6_begin_option(&x->w, code);

    x->n_ia++;
    writer_u32(&x->w, iaid);
    writer_u32(&x->w, t1_s);
    writer_u32(&x->w, t2_s);
    return mark;
}

void
dhcp6_put_ia_status(struct dhcp6_exchange *x, uint16_t code, uint32_t iaid, uint16_t status)
{
    size_t mark = begin_ia(x, code, iaid, 0, 0);

    if (status != DHCP6_NO_PREFIX)
        x->s->counters.refused++;
    dhcp6_put_status(x, status);
    dhcp6_end_option(&x->w, mark);
}

static void
put_address(struct dhcp6_exchange *x, const uint8_t ip[16], uint32_t lifetime_s)
{
    size_t mark = dhcp6_begin_option(&x->w, DHCP6_OPT_IA_ADDR);

    writer_bytes(&x->w, ip, 16);
    writer_u32(&x->w, lifetime_s);
    writer_u32(&x->w, lifetime_s);
    dhcp6_end_option(&x->w, mark);
}

bool
dhcp6_next_address(struct reader *options, struct dhcp6_address *out)
{
    uint16_t code = 0;
    struct reader value;

    while (dhcp6_next_option(options, &code, &value)) {
        if (code == DHCP6_OPT_IA_ADDR && dhcp6_parse_address(value, out) == DROP_NONE)
            return true;
    }
    return false;
}

void
dhcp6_put_ia(struct dhcp6_exchange *x, const struct dhcp6_ia *ia, const struct binding *b)
{
    uint32_t lease_s = b ? x->s->config.lease_s : 0;
    uint32_t t1_s = lease_s / 2; /* 21.4 */
    uint32_t t2_s = (uint32_t)((uint64_t)lease_s * 4 / 5);
    size_t mark = begin_ia(x, DHCP6_OPT_IA_NA, ia->iaid, t1_s, t2_s);
    struct reader named = ia->options;
    struct dhcp6_address a;
    unsigned n = 0;
    bool is_lasting = x->m.type == DHCP6_RENEW || x->m.type == DHCP6_REBIND;

    if (b)
        put_address(x, b->lease.ip.b, lease_s);
    while (is_lasting && n < FOREIGN_MAX && dhcp6_next_address(&named, &a)) {
        if (b && memcmp(a.ip, b->lease.ip.b, sizeof(a.ip)) == 0)
            continue;
        put_address(x, a.ip, 0);
        n++;
    }
    dhcp6_end_option(&x->w, mark);
}

/* RFC 1035, 3.1. Writes nothing when it is no name. */
static void
put_domain(struct writer *w, const char *name)
{
    uint8_t bytes[DHCP4_DOMAIN_MAX + 2];
    struct writer labels = writer_of(bytes, sizeof(bytes));

    while (*name != '\0') {
        size_t len = strcspn(name, ".");
        if (len == 0 || len > 63)
            return;
        writer_u8(&labels, (uint8_t)len);
        writer_bytes(&labels, name, len);
        name += len;
        if (*name == '.')
            name++;
    }
    writer_u8(&labels, 0);
    if (writer_ok(&labels) && labels.len > 1)
        dhcp6_write_option(w, DHCP6_OPT_DOMAINS, bytes, labels.len);
}

static bool
wants(const struct dhcp6_exchange *x, uint16_t code)
{
    struct reader list;

    if (!dhcp6_find_option(x->m.options, DHCP6_OPT_ORO, &list))
        return true;
    while (list.left >= 2) {
        if (reader_u16(&list) == code)
            return true;
    }
    return false;
}

static bool
has_dns(const struct dhcp6_server_config *c)
{
    static const uint8_t none[16];

    return memcmp(c->dns, none, sizeof(none)) != 0;
}

void
dhcp6_put_configured(struct dhcp6_exchange *x)
{
    const struct dhcp6_server_config *c = &x->s->config;

    if (has_dns(c) && wants(x, DHCP6_OPT_DNS))
        dhcp6_write_option(&x->w, DHCP6_OPT_DNS, c->dns, sizeof(c->dns));
    if (wants(x, DHCP6_OPT_DOMAINS))
        put_domain(&x->w, c->domain);
}
