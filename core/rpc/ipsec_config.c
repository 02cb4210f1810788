/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec_config.c - see ipsec_config.h. */
#include "core/rpc/ipsec_config.h"

#include "core/base/addr.h"
#include "core/base/error.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/wire/json.h"
#include "core/rpc/wire/table.h"

#include <string.h>

#define SETTING "ipsec"

enum { DPD_MIN_S = 5, DPD_MAX_S = 3600, STATIC_PARTS = 5 };

const char *const ipsec_weak_names[] = {"sha1", "modp1024", "3des", "md5", NULL};

static struct record *
make_default(void)
{
    struct record *r = record_new();

    record_set_bool(r, "L2TP_Raw_bool", false);
    record_set_bool(r, "L2TP_IPsec_bool", false);
    record_set_bool(r, "EtherIP_IPsec_bool", false);
    record_set_text(r, "L2TP_DefaultHub_str", "");
    record_set_text(r, "Weak_str", "sha1"); /* Windows proposes nothing without it */
    record_set_bool(r, "RawEsp_bool", true);
    record_set_u32(r, "DpdSeconds_u32", 30);
    record_set_text(r, "PublicAddress_str", "");
    return r;
}

struct record *
ipsec_config_load(struct store *s)
{
    g_autofree char *text = store_get_text(s, SETTING);
    struct record *r = make_default();
    json_t *json = text ? rpc_json_parse(text, strlen(text), NULL) : NULL;
    g_autoptr(record_t) stored = json ? record_from_json(json, rpc_ipsec_services, NULL) : NULL;

    for (unsigned i = 0; stored && record_name(stored, i); i++)
        record_copy(r, stored, record_name(stored, i));
    json_decref(json);
    return r;
}

/* Bits of the names in the list; the first that is none of them, or NULL. */
static unsigned
read_weak(const char *list, char **ret_unknown)
{
    g_auto(GStrv) parts = g_strsplit_set(list, ", ", -1);
    unsigned bits = 0;

    *ret_unknown = NULL;
    for (char **p = parts; *p; p++) {
        unsigned i = 0;
        if (!(*p)[0] || g_ascii_strcasecmp(*p, "none") == 0)
            continue;
        while (ipsec_weak_names[i] && g_ascii_strcasecmp(ipsec_weak_names[i], *p) != 0)
            i++;
        if (ipsec_weak_names[i])
            bits |= 1u << i;
        else if (!*ret_unknown)
            *ret_unknown = g_strdup(*p);
    }
    return bits;
}

unsigned
ipsec_weak_bits(const char *list)
{
    g_autofree char *unknown = NULL;

    return read_weak(list, &unknown);
}

static bool
check(struct store *s, const struct record *o, GError **error)
{
    g_autofree char *unknown = NULL;
    const char *address = record_text(o, "PublicAddress_str");
    uint32_t dpd = record_u32(o, "DpdSeconds_u32");
    struct ip ip;

    (void)read_weak(record_text(o, "Weak_str"), &unknown);
    if (unknown)
        return rpc_fail(error, PE_INVALID_PARAMETER,
                        "'%s' is not one of the weak algorithms: sha1, modp1024, 3des, md5",
                        unknown);
    if (dpd != 0 && (dpd < DPD_MIN_S || dpd > DPD_MAX_S))
        return rpc_fail(error, PE_INVALID_PARAMETER,
                        "the time before a peer is asked is 0 or %d to %d seconds", DPD_MIN_S,
                        DPD_MAX_S);
    if (address[0] && !ip_parse(address, &ip))
        return rpc_fail(error, PE_INVALID_PARAMETER, "'%s' is not an address", address);
    if (!record_bool(o, "L2TP_IPsec_bool"))
        return true;
    g_autoptr(GBytes) psk = store_get_secret(s, IPSEC_SECRET_PSK);
    return psk || rpc_fail(error, PE_INVALID_PARAMETER,
                           "L2TP over IPsec needs a pre-shared key: set it with 'polyetherctl "
                           "ipsec set --psk-stdin'");
}

bool
ipsec_config_save(struct store *s, const struct record *options, GError **error)
{
    if (!check(s, options, error))
        return false;
    json_t *json = record_to_json(options, rpc_ipsec_services, false);
    char *text = rpc_json_print(json);
    bool ok = store_set_text(s, SETTING, text, error);
    json_decref(json);
    g_free(text);
    return ok;
}

/* ---- static sessions ---- */

static bool
read_cookie(const char *hex, uint8_t out[IPSEC_COOKIE_MAX], size_t *ret_len)
{
    size_t n = strlen(hex) / 2;

    if (strlen(hex) % 2 != 0 || (n != 0 && n != 4 && n != 8))
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = g_ascii_xdigit_value(hex[2 * i]), low = g_ascii_xdigit_value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    *ret_len = n;
    return true;
}

bool
ipsec_static_parse(const char *text, struct ipsec_static *out)
{
    g_auto(GStrv) part = g_strsplit(text, ":", STATIC_PARTS);
    guint64 local = 0, peer = 0;

    memset(out, 0, sizeof(*out));
    if (g_strv_length(part) != STATIC_PARTS ||
        !g_ascii_string_to_unsigned(part[0], 10, 1, UINT32_MAX, &local, NULL) ||
        !g_ascii_string_to_unsigned(part[1], 10, 1, UINT32_MAX, &peer, NULL) ||
        !read_cookie(part[2], out->local_cookie, &out->local_cookie_len) ||
        !read_cookie(part[3], out->peer_cookie, &out->peer_cookie_len))
        return false;
    out->local_session = (uint32_t)local;
    out->peer_session = (uint32_t)peer;
    out->sublayer = strcmp(part[4], "1") == 0;
    return true;
}

static void
print_cookie(GString *to, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        g_string_append_printf(to, "%02x", bytes[i]);
}

char *
ipsec_static_print(const struct ipsec_static *s)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text, "%u:%u:", s->local_session, s->peer_session);
    print_cookie(text, s->local_cookie, s->local_cookie_len);
    g_string_append_c(text, ':');
    print_cookie(text, s->peer_cookie, s->peer_cookie_len);
    g_string_append(text, s->sublayer ? ":1" : ":");
    return g_string_free(text, FALSE);
}
