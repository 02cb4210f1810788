/* SPDX-License-Identifier: Apache-2.0 */
/* access_methods.c - access rules of a hub, the sets that they name, and from where clients may
 * come. The store first, then the living hub.
 */
#include "core/rpc/access_config.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/wire/table.h"

#include <string.h>

enum { PRIORITY_STEP = 10 };

static const char *
hub_of(const struct rpc_call *c)
{
    return record_text(c->in, "HubName_str");
}

/* Whether the hub is in the store; PE_HUB_NOT_FOUND. */
static bool
hub_is_there(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = rpc_stored_hub(c, error);

    store_hub_free(h);
    return h != NULL;
}

/* What is in the store comes into force. */
static bool
follow(const struct rpc_call *c, GError **error)
{
    struct hub *hub = rpc_living_hub(c, error);

    if (!hub)
        return false;
    access_apply(c->host->store, hub);
    hub_unref(hub);
    return true;
}

static struct record *
answer(const struct rpc_call *c)
{
    struct record *out = record_new();

    record_set_text(out, "HubName_str", hub_of(c));
    return out;
}

/* ---- access rules ---- */

static void
put_rules(const struct rpc_call *c, struct hub *hub, struct record *out)
{
    g_autoptr(GArray) rules = access_rules_load(c->host->store, hub_of(c));

    record_make_array(out, "AccessList");
    for (guint i = 0; i < rules->len; i++) {
        const struct acl_rule *rule = &g_array_index(rules, struct acl_rule, i);
        struct record *row = record_append(out, "AccessList");
        access_rule_to_record(rule, row);
        record_set_u64(row, "Hits_u64", hub_access_hits(hub, rule->id));
    }
}

static struct record *
enum_access(const struct rpc_call *c, GError **error)
{
    struct hub *hub = rpc_living_hub(c, error);

    if (!hub)
        return NULL;
    struct record *out = answer(c);
    put_rules(c, hub, out);
    hub_unref(hub);
    return out;
}

/* The one rule of AccessListSingle, with the sets that it names. */
static bool
take_single(const struct rpc_call *c, struct record *row, struct acl_rule *out, GError **error)
{
    g_autoptr(GPtrArray) sets = access_sets_load(c->host->store, hub_of(c));

    if (!access_rule_from_record(row, out, error))
        return false;
    if (acl_rule_check_sets(out, sets, error))
        return true;
    acl_rule_clear(out);
    return false;
}

static struct record *
single_row(const struct rpc_call *c, GError **error)
{
    if (record_count(c->in, "AccessListSingle") == 1)
        return record_at(c->in, "AccessListSingle", 0);
    rpc_fail(error, PE_INVALID_PARAMETER, "AccessListSingle has exactly one rule");
    return NULL;
}

/* Behind all that are there. */
static uint32_t
last_priority(const struct rpc_call *c)
{
    g_autoptr(GArray) rules = access_rules_load(c->host->store, hub_of(c));
    uint32_t last = 0;

    for (guint i = 0; i < rules->len; i++)
        last = MAX(last, g_array_index(rules, struct acl_rule, i).priority);
    return last <= UINT32_MAX - PRIORITY_STEP ? last + PRIORITY_STEP : UINT32_MAX;
}

static struct record *
answer_single(const struct rpc_call *c, const struct acl_rule *rule)
{
    struct record *out = answer(c);

    access_rule_to_record(rule, record_append(out, "AccessListSingle"));
    return out;
}

static struct record *
add_access(const struct rpc_call *c, GError **error)
{
    struct record *row = single_row(c, error);
    struct acl_rule rule;
    struct record *out = NULL;

    if (!row || !hub_is_there(c, error))
        return NULL;
    if (record_u32(row, "Priority_u32") == 0)
        record_set_u32(row, "Priority_u32", last_priority(c));
    if (!take_single(c, row, &rule, error))
        return NULL;
    g_autofree char *text = acl_rule_print(&rule);
    if (store_rule_add(c->host->store, STORE_ACCESS_RULES, hub_of(c), text, &rule.id, error) &&
        follow(c, error))
        out = answer_single(c, &rule);
    acl_rule_clear(&rule);
    return out;
}

static struct record *
set_access(const struct rpc_call *c, GError **error)
{
    struct record *row = single_row(c, error);
    struct acl_rule rule;
    struct record *out = NULL;

    if (!row || !hub_is_there(c, error) || !take_single(c, row, &rule, error))
        return NULL;
    g_autofree char *text = acl_rule_print(&rule);
    if (store_rule_set(c->host->store, STORE_ACCESS_RULES, hub_of(c), rule.id, text, error) &&
        follow(c, error))
        out = answer_single(c, &rule);
    acl_rule_clear(&rule);
    return out;
}

static struct record *
delete_access(const struct rpc_call *c, GError **error)
{
    return hub_is_there(c, error) &&
                   store_rule_delete(c->host->store, STORE_ACCESS_RULES, hub_of(c),
                                     record_u32(c->in, "Id_u32"), error) &&
                   follow(c, error)
               ? rpc_echo(c)
               : NULL;
}

static void
clear_text(gpointer rule)
{
    g_free(((struct store_rule *)rule)->text);
}

static bool
take_list(const struct rpc_call *c, GArray *texts, GError **error)
{
    g_autoptr(GPtrArray) sets = access_sets_load(c->host->store, hub_of(c));
    unsigned n = record_count(c->in, "AccessList");

    for (unsigned i = 0; i < n; i++) {
        struct acl_rule rule;
        if (!access_rule_from_record(record_at(c->in, "AccessList", i), &rule, error)) {
            g_prefix_error(error, "rule %u of the list: ", i + 1);
            return false;
        }
        struct store_rule text = {.id = rule.id, .text = acl_rule_print(&rule)};
        g_array_append_val(texts, text);
        bool ok = acl_rule_check_sets(&rule, sets, error);
        acl_rule_clear(&rule);
        if (!ok) {
            g_prefix_error(error, "rule %u of the list: ", i + 1);
            return false;
        }
    }
    return true;
}

static struct record *
set_access_list(const struct rpc_call *c, GError **error)
{
    g_autoptr(GArray) texts = g_array_new(FALSE, TRUE, sizeof(struct store_rule));

    g_array_set_clear_func(texts, clear_text);
    if (!hub_is_there(c, error) || !take_list(c, texts, error) ||
        !store_rules_replace(c->host->store, STORE_ACCESS_RULES, hub_of(c),
                             &g_array_index(texts, struct store_rule, 0), texts->len, error) ||
        !follow(c, error))
        return NULL;
    return enum_access(c, error);
}

/* ---- sets of addresses ---- */

static struct record *
enum_sets(const struct rpc_call *c, GError **error)
{
    if (!hub_is_there(c, error))
        return NULL;
    g_autoptr(GPtrArray) sets = access_sets_load(c->host->store, hub_of(c));
    struct record *out = answer(c);
    record_make_array(out, "AddressSetList");
    for (guint i = 0; i < sets->len; i++) {
        const struct acl_set *set = g_ptr_array_index(sets, i);
        struct record *row = record_append(out, "AddressSetList");
        g_autofree char *text = acl_set_print(set);
        record_set_text(row, "Name_str", set->name);
        record_set_u32(row, "NumAddresses_u32", set->prefixes->len);
        record_set_text(row, "Addresses_str", text);
    }
    return out;
}

static bool
save_set(const struct rpc_call *c, struct acl_set *set, GError **error)
{
    if (!acl_set_name_check(set->name, error) ||
        !acl_set_parse(set, record_text(c->in, "Addresses_str"), error))
        return false;
    g_autofree char *text = acl_set_print(set);
    return access_set_save(c->host->store, hub_of(c), set->name, text, error);
}

static const char *
name_of_set(const struct rpc_call *c)
{
    const char *name = record_text(c->in, "Name_str");

    return name[0] == '@' ? name + 1 : name;
}

static struct record *
set_set(const struct rpc_call *c, GError **error)
{
    struct acl_set *set = acl_set_new(name_of_set(c));
    bool ok = hub_is_there(c, error) && save_set(c, set, error) && follow(c, error);

    acl_set_free(set);
    return ok ? rpc_echo(c) : NULL;
}

/* The first rule that names the set. */
static uint32_t
rule_with_set(const struct rpc_call *c, const char *name)
{
    g_autoptr(GArray) rules = access_rules_load(c->host->store, hub_of(c));

    for (guint i = 0; i < rules->len; i++) {
        const struct acl_rule *r = &g_array_index(rules, struct acl_rule, i);
        if ((r->src.set && g_ascii_strcasecmp(r->src.set, name) == 0) ||
            (r->dst.set && g_ascii_strcasecmp(r->dst.set, name) == 0))
            return r->id;
    }
    return 0;
}

static struct record *
delete_set(const struct rpc_call *c, GError **error)
{
    const char *name = name_of_set(c);

    if (!hub_is_there(c, error))
        return NULL;
    g_autoptr(GPtrArray) sets = access_sets_load(c->host->store, hub_of(c));
    uint32_t rule = rule_with_set(c, name);
    if (!acl_sets_find(sets, name)) {
        rpc_fail(error, PE_NOT_FOUND, "hub '%s' has no set of addresses '@%s'", hub_of(c), name);
        return NULL;
    }
    if (rule != 0) {
        rpc_fail(error, PE_INVALID_PARAMETER, "access rule %u names '@%s': change the rule first",
                 rule, name);
        return NULL;
    }
    return access_set_save(c->host->store, hub_of(c), name, NULL, error) && follow(c, error)
               ? rpc_echo(c)
               : NULL;
}

/* ---- from where clients may come ---- */

static struct record *
get_sources(const struct rpc_call *c, GError **error)
{
    if (!hub_is_there(c, error))
        return NULL;
    g_autoptr(GArray) rules = source_rules_load(c->host->store, hub_of(c));
    struct record *out = answer(c);
    record_make_array(out, "ACList");
    for (guint i = 0; i < rules->len; i++)
        source_rule_to_record(&g_array_index(rules, struct source_rule, i),
                              record_append(out, "ACList"));
    return out;
}

static struct record *
set_sources(const struct rpc_call *c, GError **error)
{
    g_autoptr(GArray) texts = g_array_new(FALSE, TRUE, sizeof(struct store_rule));
    unsigned n = record_count(c->in, "ACList");

    g_array_set_clear_func(texts, clear_text);
    for (unsigned i = 0; i < n; i++) {
        struct source_rule rule;
        if (!source_rule_from_record(record_at(c->in, "ACList", i), &rule, error)) {
            g_prefix_error(error, "rule %u of the list: ", i + 1);
            return NULL;
        }
        struct store_rule text = {.id = rule.id, .text = source_rule_print(&rule)};
        g_array_append_val(texts, text);
    }
    return hub_is_there(c, error) &&
                   store_rules_replace(c->host->store, STORE_SOURCE_RULES, hub_of(c),
                                       &g_array_index(texts, struct store_rule, 0), texts->len,
                                       error) &&
                   follow(c, error)
               ? get_sources(c, error)
               : NULL;
}

const struct rpc_handler_row rpc_access_handlers[] = {
    {"EnumAccess", enum_access, NULL},        {"AddAccess", add_access, NULL},
    {"SetAccess", set_access, NULL},          {"DeleteAccess", delete_access, NULL},
    {"SetAccessList", set_access_list, NULL}, {"TestAccess", rpc_test_access, NULL},
    {"EnumAddressSet", enum_sets, NULL},      {"SetAddressSet", set_set, NULL},
    {"DeleteAddressSet", delete_set, NULL},   {"GetAcList", get_sources, NULL},
    {"SetAcList", set_sources, NULL},         {NULL, NULL, NULL},
};
