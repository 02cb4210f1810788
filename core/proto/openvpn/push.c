/* SPDX-License-Identifier: Apache-2.0 */
/* push.c - see push.h. Options are in the order in which old clients need them: the topology before
 * the address. A reply that is too long is several, each of which says that another one follows. */

#include "core/proto/openvpn/push.h"

#include <string.h>

#define REPLY "PUSH_REPLY"

enum {
    MTU_USUAL = 1500,
    RECEIVE_BUFFER = 1024 * 1024, /* of a client's socket: a burst of trains should fit */
};

static void
wipe_text(gpointer text)
{
    secret_free_str(text);
}

static void PRINTF_LIKE(2, 3) add(GPtrArray *options, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(options, g_strdup_vprintf(format, args));
    va_end(args);
}

/* ---- options ---- */

static const char *
text4(uint32_t address, char out[IP_TEXT])
{
    struct ip ip = ip_from_v4(address);

    return ip_print(&ip, out);
}

static const char *
text6(const uint8_t address[16], char out[IP_TEXT])
{
    struct ip ip = {.family = 6};

    memcpy(ip.b, address, sizeof(ip.b));
    return ip_print(&ip, out);
}

static uint32_t
mask4(unsigned len)
{
    return (uint32_t)(UINT64_MAX << (32 - MIN(len, 32)));
}

/* Someone on the link that is not the client: on a tun device it only says "through the tunnel". */
static uint32_t
someone4(const struct l3port_address *a)
{
    uint32_t first = (a->ip4 & mask4(a->len4)) + 1;

    if (a->gateway4)
        return a->gateway4;
    return first == a->ip4 ? first + 1 : first;
}

static void
add_ip4(GPtrArray *options, const struct ovpn_push *p)
{
    const struct l3port_address *a = p->address;
    char one[IP_TEXT];
    char two[IP_TEXT];
    char three[IP_TEXT];

    add(options, "topology subnet");
    add(options, "ifconfig %s %s", text4(a->ip4, one), text4(mask4(a->len4), two));
    add(options, "route-gateway %s", text4(someone4(a), one));
    for (unsigned i = 0; i < a->n_route4; i++) {
        const struct dhcp4_route *r = &a->route4[i];
        if (r->len == 0) /* our own address must stay outside: redirect-gateway does it right */
            continue;
        add(options, "route %s %s %s", text4(r->dst, one), text4(mask4(r->len), two),
            text4(r->via ? r->via : someone4(a), three));
    }
}

static bool
has_default4(const struct l3port_address *a)
{
    if (a->gateway4)
        return true;
    for (unsigned i = 0; i < a->n_route4; i++)
        if (a->route4[i].len == 0)
            return true;
    return false;
}

static void
add_ip6(GPtrArray *options, const struct ovpn_push *p)
{
    const struct l3port_address *a = p->address;
    static const uint8_t nobody[16];
    uint8_t other[16];
    char one[IP_TEXT];
    char two[IP_TEXT];

    memcpy(other, a->gateway6, sizeof(other));
    if (memcmp(other, nobody, sizeof(other)) == 0) { /* the syntax wants one */
        memcpy(other, a->ip6, sizeof(other));
        other[15] ^= 1;
    }
    add(options, "ifconfig-ipv6 %s/%u %s", text6(a->ip6, one), a->len6, text6(other, two));
    if (p->settings->redirect_gateway)
        add(options, "route-ipv6 2000::/3");
}

static void
add_addresses(GPtrArray *options, const struct ovpn_push *p)
{
    const struct l3port_address *a = p->address;
    char text[IP_TEXT];

    if (a->has4)
        add_ip4(options, p);
    else
        add(options, "topology subnet");
    if (a->has6)
        add_ip6(options, p);
    for (unsigned i = 0; i < a->n_dns; i++)
        add(options, "dhcp-option %s %s", a->dns[i].family == 6 ? "DNS6" : "DNS",
            ip_print(&a->dns[i], text));
    if (a->domain[0])
        add(options, "dhcp-option DOMAIN %s", a->domain);
    if (p->settings->redirect_gateway && a->has4 && has_default4(a))
        add(options, "redirect-gateway def1");
    if (p->settings->block_outside_dns && a->n_dns > 0)
        add(options, "block-outside-dns");
}

static void
add_protocol(GPtrArray *options, const struct ovpn_push *p)
{
    const struct ovpn_client_says *says = p->says;
    bool flags = says->proto & OVPN_PROTO_CC_EXIT;
    unsigned mtu = ovpn_push_mtu(says, p->settings);

    if (p->settings->ping_s > 0)
        add(options, "ping %u", p->settings->ping_s);
    if (p->settings->ping_restart_s > 0)
        add(options, "ping-restart %u", p->settings->ping_restart_s);
    if (p->datagrams) {
        add(options, "explicit-exit-notify 1");
        add(options, "rcvbuf %d", RECEIVE_BUFFER);
    } else { /* or its small packets wait for late acknowledgements of TCP */
        add(options, "socket-flags TCP_NODELAY");
    }
    if (p->peer_id != OVPN_PEER_ID_NONE)
        add(options, "peer-id %u", p->peer_id);
    if (p->cipher != OVPN_CIPHER_NONE_AGREED)
        add(options, "cipher %s", ovpn_cipher_name(p->cipher));
    if (p->framing == OVPN_FRAMING_STUB_V2)
        add(options, "compress stub-v2");
    else if (p->framing == OVPN_FRAMING_LZO)
        add(options, "comp-lzo no");
    if (flags)
        add(options, "protocol-flags cc-exit%s", p->ekm ? " tls-ekm" : "");
    else if (p->ekm)
        add(options, "key-derivation tls-ekm");
    if (mtu != MTU_USUAL && mtu != says->tun_mtu)
        add(options, "tun-mtu %u", mtu);
    if (p->token)
        add(options, "auth-token %s", p->token);
}

/* ---- messages ---- */

static GPtrArray *
messages_of(const GPtrArray *options)
{
    static const char more[] = ",push-continuation 2";
    static const char last[] = ",push-continuation 1";
    GPtrArray *messages = g_ptr_array_new_with_free_func(wipe_text);
    GString *now = g_string_new(REPLY);

    for (guint i = 0; i < options->len; i++) {
        const char *option = g_ptr_array_index(options, i);
        if (now->len + 1 + strlen(option) + sizeof(more) > OVPN_PUSH_MAX) {
            g_string_append(now, more);
            g_ptr_array_add(messages, g_string_free(now, FALSE));
            now = g_string_new(REPLY);
        }
        g_string_append_printf(now, ",%s", option);
    }
    if (messages->len > 0)
        g_string_append(now, last);
    g_ptr_array_add(messages, g_string_free(now, FALSE));
    return messages;
}

unsigned
ovpn_push_mtu(const struct ovpn_client_says *says, const struct openvpn_settings *s)
{
    /* Of a tap client the string counts room for its header, too. */
    unsigned own = says->tap || says->tun_mtu < L3PORT_MTU_MIN ? MTU_USUAL : says->tun_mtu;
    unsigned wanted = s->tun_mtu > 0 ? s->tun_mtu : MTU_USUAL;

    return says->tap || wanted > says->mtu ? MIN(own, L3PORT_MTU_MAX) : wanted;
}

GPtrArray *
ovpn_push_compose(const struct ovpn_push *p)
{
    g_autoptr(GPtrArray) options = g_ptr_array_new_with_free_func(wipe_text);

    if (p->address)
        add_addresses(options, p);
    else
        add(options, "route-gateway dhcp");
    add_protocol(options, p);
    return messages_of(options);
}

GPtrArray *
ovpn_push_one(const char *option)
{
    g_autoptr(GPtrArray) options = g_ptr_array_new_with_free_func(wipe_text);

    add(options, "%s", option);
    return messages_of(options);
}
