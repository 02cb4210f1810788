/* SPDX-License-Identifier: Apache-2.0 */
/* crl_methods.c - certificates that a hub takes no more. */
#include "core/auth/crl.h"
#include "core/rpc/rpc_priv.h"

#include <string.h>

static const char *const text_fields[CRL_TEXTS] = {
    [CRL_CN] = "CommonName_utf", [CRL_O] = "Organization_utf", [CRL_OU] = "Unit_utf",
    [CRL_C] = "Country_utf",     [CRL_ST] = "State_utf",       [CRL_L] = "Local_utf",
};
static const char *const bytes_fields[CRL_BYTES] = {
    [CRL_SERIAL] = "Serial_bin", [CRL_MD5] = "DigestMD5_bin", [CRL_SHA1] = "DigestSHA1_bin"};

static const char *
hub_of(const struct rpc_call *c)
{
    return record_text(c->in, "HubName_str");
}

static bool
hub_exists(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = rpc_stored_hub(c, error);

    store_hub_free(h);
    return h != NULL;
}

/* The entry in the call, as text. */
static char *
read_entry(const struct rpc_call *c, GError **error)
{
    struct crl_entry *e = crl_entry_new();

    for (unsigned i = 0; i < CRL_TEXTS; i++)
        e->text[i] = g_strdup(record_text(c->in, text_fields[i]));
    for (unsigned i = 0; i < CRL_BYTES; i++) {
        size_t len = 0;
        const void *at = record_bin(c->in, bytes_fields[i], &len);
        e->bytes[i] = len > 0 ? g_bytes_new(at, len) : NULL;
    }
    const char *fault = crl_entry_fault(e);
    char *text = fault ? NULL : crl_entry_print(e);
    if (fault)
        rpc_fail(error, PE_INVALID_PARAMETER, "%s", fault);
    crl_entry_free(e);
    return text;
}

static struct record *
answer(const struct rpc_call *c, uint32_t key, const char *text)
{
    struct record *out = record_new();
    struct crl_entry *e = crl_entry_parse(text);

    record_set_text(out, "HubName_str", hub_of(c));
    record_set_u32(out, "Key_u32", key);
    for (unsigned i = 0; e && i < CRL_TEXTS; i++)
        record_set_text(out, text_fields[i], e->text[i]);
    for (unsigned i = 0; e && i < CRL_BYTES; i++) {
        gsize len = 0;
        const void *at = e->bytes[i] ? g_bytes_get_data(e->bytes[i], &len) : NULL;
        if (at)
            record_set_bin(out, bytes_fields[i], at, len);
    }
    crl_entry_free(e);
    return out;
}

/* NULL and an error. g_free. */
static char *
stored_entry(const struct rpc_call *c, GError **error)
{
    uint32_t key = record_u32(c->in, "Key_u32");

    if (!hub_exists(c, error))
        return NULL;
    g_autoptr(GPtrArray) all = store_crls(c->host->store, hub_of(c));
    for (guint i = 0; i < all->len; i++) {
        const struct store_crl *one = g_ptr_array_index(all, i);
        if (one->key == key)
            return g_strdup(one->entry);
    }
    rpc_fail(error, PE_NOT_FOUND, "hub '%s' has no entry of revoked certificates with key %u",
             hub_of(c), key);
    return NULL;
}

static struct record *
enum_crls(const struct rpc_call *c, GError **error)
{
    if (!hub_exists(c, error))
        return NULL;
    struct record *out = rpc_echo(c);
    g_autoptr(GPtrArray) all = store_crls(c->host->store, hub_of(c));
    record_make_array(out, "CRLList");
    for (guint i = 0; i < all->len; i++) {
        const struct store_crl *one = g_ptr_array_index(all, i);
        struct record *row = record_append(out, "CRLList");
        g_auto(GStrv) lines = g_strsplit(one->entry, "\n", -1);
        g_autofree char *info = g_strjoinv(", ", lines);
        record_set_u32(row, "Key_u32", one->key);
        if (g_str_has_suffix(info, ", "))
            info[strlen(info) - 2] = '\0';
        record_set_text(row, "CrlInfo_utf", info);
    }
    return out;
}

static struct record *
add_crl(const struct rpc_call *c, GError **error)
{
    uint32_t key = 0;

    if (!hub_exists(c, error))
        return NULL;
    g_autofree char *text = read_entry(c, error);
    if (!text || !store_crl_add(c->host->store, hub_of(c), text, &key, error))
        return NULL;
    return answer(c, key, text);
}

static struct record *
get_crl(const struct rpc_call *c, GError **error)
{
    g_autofree char *text = stored_entry(c, error);

    return text ? answer(c, record_u32(c->in, "Key_u32"), text) : NULL;
}

static struct record *
set_crl(const struct rpc_call *c, GError **error)
{
    uint32_t key = record_u32(c->in, "Key_u32");

    if (!hub_exists(c, error))
        return NULL;
    g_autofree char *text = read_entry(c, error);
    if (!text || !store_crl_set(c->host->store, hub_of(c), key, text, error))
        return NULL;
    return answer(c, key, text);
}

static struct record *
delete_crl(const struct rpc_call *c, GError **error)
{
    uint32_t key = record_u32(c->in, "Key_u32");
    g_autofree char *text = stored_entry(c, error);

    if (!text || !store_crl_delete(c->host->store, hub_of(c), key, error))
        return NULL;
    return answer(c, key, text);
}

const struct rpc_handler_row rpc_crl_handlers[] = {
    {"EnumCrl", enum_crls, NULL}, {"AddCrl", add_crl, NULL},    {"GetCrl", get_crl, NULL},
    {"SetCrl", set_crl, NULL},    {"DelCrl", delete_crl, NULL}, {NULL, NULL, NULL},
};
