/* SPDX-License-Identifier: Apache-2.0 */
/* login.c - see login.h. */

#include "core/auth/radius/login.h"

#include <string.h>

enum {
    SERVICE_FRAMED = 2,
    FRAMED_PPP = 1,
    PORT_VIRTUAL = 5,
    MS_IDENT = 1,
    MS_RESPONSE = 50,
    VLAN_MAX = 4094,
    TAG_MAX = 0x1f,
    NETWORK_USUAL = 24, /* of an address that comes without a useful mask */
    INTERIM_MIN_S = 60,
    ROUTES_MAX = 64,
};

void
radius_session_id(uint64_t boot, uint64_t account, char out[RADIUS_SESSION_ID])
{
    g_snprintf(out, RADIUS_SESSION_ID, "%016" G_GINT64_MODIFIER "X%08" G_GINT64_MODIFIER "X", boot,
               account);
}

struct radius_login *
radius_login_new(const struct auth_question *q, const char *nas_identifier, uint64_t boot)
{
    const struct auth_request *r = q->request;
    struct radius_login *l = g_new0(struct radius_login, 1);

    l->user = g_strdup(q->name);
    l->hub = g_strdup(r->hub);
    l->nas_identifier = g_strdup(nas_identifier ? nas_identifier : r->hub);
    l->peer = r->peer;
    radius_session_id(boot, q->ticket, l->session);
    l->is_mschap = r->kind == AUTH_MSCHAPV2;
    memcpy(l->challenge, r->mschap.authenticator, sizeof(l->challenge));
    memcpy(l->peer_challenge, r->mschap.peer, sizeof(l->peer_challenge));
    memcpy(l->response, r->mschap.response, sizeof(l->response));
    if (r->password)
        l->password = secret_new(r->password->bytes, r->password->len);
    l->state = q->state ? g_bytes_ref(q->state) : NULL;
    return l;
}

void
radius_login_free(struct radius_login *l)
{
    if (!l)
        return;
    g_free(l->user);
    g_free(l->hub);
    g_free(l->nas_identifier);
    secret_free(l->password);
    g_clear_pointer(&l->state, g_bytes_unref);
    secret_wipe(l, sizeof(*l));
    g_free(l);
}

/* ---- the request ---- */

static void
put_mschap(const struct radius_login *l, struct writer *w)
{
    uint8_t response[MS_RESPONSE];
    struct writer b = writer_of(response, sizeof(response));

    writer_u8(&b, MS_IDENT);
    writer_u8(&b, 0);
    writer_bytes(&b, l->peer_challenge, sizeof(l->peer_challenge));
    writer_zero(&b, 8);
    writer_bytes(&b, l->response, sizeof(l->response));
    radius_put_vendor(w, RADIUS_VENDOR_MICROSOFT, RADIUS_MS_CHAP_CHALLENGE, l->challenge,
                      sizeof(l->challenge));
    radius_put_vendor(w, RADIUS_VENDOR_MICROSOFT, RADIUS_MS_CHAP2_RESPONSE, response, b.len);
}

void
radius_login_build(const struct radius_login *l, struct writer *w,
                   const struct radius_secret *secret,
                   const uint8_t authenticator[RADIUS_AUTHENTICATOR])
{
    char address[IP_TEXT];
    gsize len = 0;
    const void *state = l->state ? g_bytes_get_data(l->state, &len) : NULL;

    radius_put_text(w, RADIUS_USER_NAME, l->user);
    if (l->is_mschap)
        put_mschap(l, w);
    else
        radius_put_password(w, l->password ? secret_str(l->password) : "",
                            l->password ? l->password->len : 0, secret, authenticator);
    if (len > 0)
        radius_put(w, RADIUS_STATE, state, len);
    radius_put_text(w, RADIUS_NAS_IDENTIFIER, l->nas_identifier);
    radius_put_u32(w, RADIUS_NAS_PORT_TYPE, PORT_VIRTUAL);
    radius_put_u32(w, RADIUS_SERVICE_TYPE, SERVICE_FRAMED);
    radius_put_u32(w, RADIUS_FRAMED_PROTOCOL, FRAMED_PPP);
    radius_put_text(w, RADIUS_CALLED_STATION_ID, l->hub);
    radius_put_text(w, RADIUS_CALLING_STATION_ID, ip_print(&l->peer.ip, address));
    radius_put_text(w, RADIUS_ACCT_SESSION_ID, l->session);
}

/* ---- the reply ---- */

/* Behind what is there; a new line between. What is no text is left out. */
static void
add_message(struct auth_answer *out, struct reader value)
{
    size_t have = strlen(out->message);
    size_t room = sizeof(out->message) - 1 - have;

    if (have > 0 && room > 0) {
        out->message[have++] = '\n';
        room--;
    }
    size_t n = MIN(room, value.left);
    memcpy(out->message + have, value.at, n);
    out->message[have + n] = '\0';
    char *bad = NULL;
    if (!g_utf8_validate(out->message, -1, (const char **)&bad))
        *bad = '\0';
    for (char *p = out->message; *p; p++)
        if (g_ascii_iscntrl(*p) && *p != '\n')
            *p = ' ';
}

/* A name as an administrator may have typed it. */
static void
take_group(struct auth_answer *out, struct reader value)
{
    static const char prefix[] = "group=";
    size_t n = sizeof(prefix) - 1;

    if (value.left > n && g_ascii_strncasecmp((const char *)value.at, prefix, n) == 0)
        (void)reader_take(&value, n);
    if (value.left == 0 || value.left >= sizeof(out->group) || memchr(value.at, 0, value.left) ||
        !g_utf8_validate((const char *)value.at, (gssize)value.left, NULL))
        return;
    memcpy(out->group, value.at, value.left);
    out->group[value.left] = '\0';
}

/* "OU=staff;", as some servers say it. */
static void
take_class(struct auth_answer *out, struct reader value)
{
    struct reader name = value;

    if (!out->class_)
        out->class_ = g_bytes_new(value.at, value.left);
    if (out->group[0] || value.left < 4 || memcmp(value.at, "OU=", 3) != 0)
        return;
    (void)reader_take(&name, 3);
    if (name.at[name.left - 1] == ';')
        name.left--;
    take_group(out, name);
}

static void
take_vlan(struct auth_answer *out, struct reader value)
{
    char text[8] = "";

    if (value.left > 0 && value.at[0] <= TAG_MAX) /* RFC 2868, 3.6 */
        (void)reader_u8(&value);
    if (value.left == 0 || value.left >= sizeof(text))
        return;
    memcpy(text, value.at, value.left);
    guint64 n = 0;
    if (g_ascii_string_to_unsigned(text, 10, 1, VLAN_MAX, &n, NULL))
        out->vlan = (uint32_t)n;
}

/* 255.255.255.255 and ...254 let the user or us choose (RFC 2865, 5.8). */
static void
take_ip4(struct auth_answer *out, struct reader value)
{
    uint32_t ip = 0;

    if (!radius_value_u32(value, &ip) || ip == 0 || ip >= 0xfffffffe)
        return;
    out->address.ip4.ip = ip_from_v4(ip);
    if (out->address.ip4.len == 0)
        out->address.ip4.len = NETWORK_USUAL;
}

static void
take_mask(struct auth_answer *out, struct reader value)
{
    uint32_t mask = 0;

    if (!radius_value_u32(value, &mask))
        return;
    uint8_t len = 0;
    while (len < 32 && mask & UINT32_C(0x80000000) >> len)
        len++;
    bool whole = len == 32 || (mask << len) == 0;
    if (whole && len > 0 && len < 32)
        out->address.ip4.len = len;
}

static void
take_ip6(struct auth_answer *out, struct reader value)
{
    if (value.left != 16)
        return;
    out->address.ip6.ip.family = 6;
    reader_copy(&value, out->address.ip6.ip.b, 16);
    out->address.ip6.len = 64;
}

static void
take_route(struct auth_answer *out, struct reader value)
{
    if (value.left == 0 || memchr(value.at, 0, value.left))
        return;
    if (!out->routes)
        out->routes = g_ptr_array_new_with_free_func(g_free);
    if (out->routes->len < ROUTES_MAX)
        g_ptr_array_add(out->routes, g_strndup((const char *)value.at, value.left));
}

static void
take_dns(struct auth_answer *out, struct reader value)
{
    uint32_t ip = 0;

    if (radius_value_u32(value, &ip) && ip != 0 && out->address.n_dns < FIXED_DNS_MAX)
        out->address.dns[out->address.n_dns++] = ip_from_v4(ip);
}

static void
take_success(struct auth_answer *out, struct reader value)
{
    const size_t n = MSCHAP_AUTHENTICATOR_TEXT - 1;

    (void)reader_u8(&value); /* the identifier */
    const uint8_t *text = reader_take(&value, n);
    if (!text || text[0] != 'S' || text[1] != '=' || memchr(text, 0, n))
        return;
    memcpy(out->mschap.answer, text, n);
    out->mschap.answer[n] = '\0';
    out->mschap.has_answer = true;
}

/* "E=691 R=0 C=... V=3 M=..." */
static void
take_error(struct auth_answer *out, struct reader value)
{
    char text[RADIUS_VALUE_MAX + 1] = "";

    (void)reader_u8(&value);
    memcpy(text, value.at, MIN(value.left, sizeof(text) - 1));
    guint64 error = strncmp(text, "E=", 2) == 0 ? g_ascii_strtoull(text + 2, NULL, 10) : 0;
    if (error >= 600 && error <= 999)
        out->mschap.error = (int)error;
}

struct keys {
    bool send, receive;
};

static void
take_microsoft(const struct radius_attribute *a, const struct radius_reply *reply,
               struct auth_answer *out, struct keys *keys)
{
    switch (a->type) {
    case RADIUS_MS_CHAP2_SUCCESS:
        take_success(out, a->value);
        break;
    case RADIUS_MS_CHAP_ERROR:
        take_error(out, a->value);
        break;
    case RADIUS_MS_MPPE_SEND_KEY:
        keys->send =
            radius_open_key(a->value, reply->secret, reply->authenticator, out->mschap.keys.send);
        break;
    case RADIUS_MS_MPPE_RECV_KEY:
        keys->receive = radius_open_key(a->value, reply->secret, reply->authenticator,
                                        out->mschap.keys.receive);
        break;
    case RADIUS_MS_PRIMARY_DNS:
    case RADIUS_MS_SECONDARY_DNS:
        take_dns(out, a->value);
        break;
    default:
        break;
    }
}

static void
take_number(const struct radius_attribute *a, struct auth_answer *out)
{
    uint32_t n = 0;

    if (!radius_value_u32(a->value, &n))
        return;
    if (a->vendor == RADIUS_VENDOR_WISPR && a->type == RADIUS_WISPR_MAX_UP)
        out->max_upload = n;
    else if (a->vendor == RADIUS_VENDOR_WISPR && a->type == RADIUS_WISPR_MAX_DOWN)
        out->max_download = n;
    else if (a->vendor == 0 && a->type == RADIUS_SESSION_TIMEOUT)
        out->session_s = n;
    else if (a->vendor == 0 && a->type == RADIUS_IDLE_TIMEOUT)
        out->idle_s = n;
    else if (a->vendor == 0 && a->type == RADIUS_ACCT_INTERIM_INTERVAL && n > 0)
        out->interim_s = MAX(n, INTERIM_MIN_S);
}

static void
take_standard(const struct radius_attribute *a, struct auth_answer *out)
{
    switch (a->type) {
    case RADIUS_REPLY_MESSAGE:
        add_message(out, a->value);
        break;
    case RADIUS_STATE:
        if (!out->state)
            out->state = g_bytes_new(a->value.at, a->value.left);
        break;
    case RADIUS_CLASS:
        take_class(out, a->value);
        break;
    case RADIUS_FILTER_ID:
        take_group(out, a->value);
        break;
    case RADIUS_TUNNEL_PRIVATE_GROUP_ID:
        take_vlan(out, a->value);
        break;
    case RADIUS_FRAMED_IP_ADDRESS:
        take_ip4(out, a->value);
        break;
    case RADIUS_FRAMED_IP_NETMASK:
        take_mask(out, a->value);
        break;
    case RADIUS_FRAMED_IPV6_ADDRESS:
        take_ip6(out, a->value);
        break;
    case RADIUS_FRAMED_ROUTE:
        take_route(out, a->value);
        break;
    default:
        take_number(a, out);
        break;
    }
}

static void
take_attributes(const struct radius_reply *reply, struct auth_answer *out)
{
    struct radius_iter it = radius_iter_of(reply->packet);
    struct radius_attribute a;
    struct keys keys = {0};

    while (radius_next(&it, &a)) {
        if (a.vendor == RADIUS_VENDOR_MICROSOFT)
            take_microsoft(&a, reply, out, &keys);
        else if (a.vendor == 0)
            take_standard(&a, out);
        else
            take_number(&a, out);
    }
    out->mschap.has_keys = keys.send && keys.receive;
}

void
radius_login_answer(const struct radius_login *l, const struct radius_reply *reply,
                    struct auth_answer *out)
{
    *out = (struct auth_answer){.says = AUTH_SAYS_NOTHING};
    if (!reply) {
        out->reason = "no RADIUS server answers";
        return;
    }
    take_attributes(reply, out);
    switch (reply->packet->code) {
    case RADIUS_ACCESS_ACCEPT:
        out->says = AUTH_SAYS_YES;
        if (l->is_mschap && !out->mschap.has_answer) {
            out->says = AUTH_SAYS_NOTHING;
            out->reason = "the RADIUS server accepts MS-CHAPv2 without proving that it knows it";
        }
        break;
    case RADIUS_ACCESS_CHALLENGE:
        out->says = AUTH_SAYS_ASK;
        break;
    default:
        out->says = AUTH_SAYS_NO;
        out->reason = "the RADIUS server rejects it";
        break;
    }
}
