/* SPDX-License-Identifier: Apache-2.0 */
/* admin_options.c - administration options of a hub: how far its own administrator may go, and what
 * tightens every policy in it. Numbers; 0 is no restriction. */

#include "core/base/error.h"
#include "core/store/store_priv.h"

#include <string.h>

static const struct store_admin_option options[] = {
    {"allow_hub_admin_change_option", "the hub's administrator may change this list"},
    {"max_users", "limit of users"},
    {"max_multilogins_per_user", "limit of sessions of one user"},
    {"max_groups", "limit of groups"},
    {"max_accesslists", "limit of access rules"},
    {"max_sessions_client_bridge_apply", "the next two limits hold"},
    {"max_sessions_client", "limit of sessions that are not bridges"},
    {"max_sessions_bridge", "limit of sessions that are bridges or routers"},
    {"max_sessions", "limit of sessions"},
    {"max_bitrates_download", "limit of bits a second to each session"},
    {"max_bitrates_upload", "limit of bits a second from each session"},
    {"deny_empty_password", "always so: a user with an empty password cannot log in here"},
    {"deny_bridge", "no session may be a bridge"},
    {"deny_routing", "no session may be a router"},
    {"deny_qos", "no session has priority for voice"},
    {"deny_change_user_password", "users may not change their passwords"},
    {"no_change_users", "the hub's administrator may not change users"},
    {"no_change_groups", "the hub's administrator may not change groups"},
    {"no_securenat", "the hub's administrator may not start or stop SecureNAT"},
    {"no_securenat_enablenat", "the hub's administrator may not turn NAT on"},
    {"no_securenat_enabledhcp", "the hub's administrator may not turn the DHCP server on"},
    {"no_cascade", "the hub's administrator may not change cascades"},
    {"no_online", "the hub's administrator may not take the hub online"},
    {"no_offline", "the hub's administrator may not take the hub offline"},
    {"no_change_log_config", "the hub's administrator may not change what is logged"},
    {"no_disconnect_session", "the hub's administrator may not end sessions"},
    {"no_delete_iptable", "the hub's administrator may not delete learned IP addresses"},
    {"no_delete_mactable", "the hub's administrator may not delete learned MAC addresses"},
    {"no_enum_session", "the hub's administrator may not list sessions"},
    {"no_query_session", "the hub's administrator may not look at a session"},
    {"no_change_admin_password", "the hub's administrator may not change the hub's password"},
    {"no_change_log_switch_type", "the hub's administrator may not change when logs are switched"},
    {"no_change_access_list", "the hub's administrator may not change access rules"},
    {"no_change_access_control_list", "the hub's administrator may not change the source list"},
    {"no_change_cert_list", "the hub's administrator may not change trusted authorities"},
    {"no_change_crl_list", "the hub's administrator may not change the list of revoked"},
    {"no_read_log_file", "the hub's administrator may not read logs"},
    {"deny_hub_admin_change_ext_option",
     "the hub's administrator may not change the extended options"},
    {"no_delay_jitter_packet_loss", "delay, jitter and loss of access rules do not act"},
    {"no_change_msg", "the hub's administrator may not change the message of the day"},
    {"no_access_list_include_file", "always so: access rules never read files"},
};

const struct store_admin_option *
store_admin_option_at(unsigned i)
{
    return i < ARRAY_LEN(options) ? &options[i] : NULL;
}

static bool
is_known(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (strcmp(options[i].name, name) == 0)
            return true;
    return false;
}

static char *
setting_of(const char *name)
{
    return g_strconcat("admin.", name, NULL);
}

uint32_t
store_admin_option(struct store *s, const char *hub, const char *name)
{
    g_assert(is_known(name));
    g_autofree char *setting = setting_of(name);
    g_autofree char *text = store_hub_get_text(s, hub, setting);

    return text ? (uint32_t)g_ascii_strtoull(text, NULL, 10) : 0;
}

bool
store_admin_option_set(struct store *s, const char *hub, const char *name, uint32_t value,
                       GError **error)
{
    if (!is_known(name)) {
        g_autofree char *shown = store_quoted(name);
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "there is no administration option %s",
                    shown);
        return false;
    }
    g_autofree char *setting = setting_of(name);
    g_autofree char *text = value > 0 ? g_strdup_printf("%u", value) : NULL;
    return store_hub_set_text(s, hub, setting, text, error);
}

static void
lower(uint32_t *limit, uint32_t most)
{
    if (most > 0 && (*limit == 0 || *limit > most))
        *limit = most;
}

void
store_tighten_policy(struct store *s, const char *hub, struct policy *p)
{
    lower(&p->MultiLogins, store_admin_option(s, hub, "max_multilogins_per_user"));
    lower(&p->MaxDownload, store_admin_option(s, hub, "max_bitrates_download"));
    lower(&p->MaxUpload, store_admin_option(s, hub, "max_bitrates_upload"));
    if (store_admin_option(s, hub, "deny_bridge") > 0)
        p->NoBridge = 1;
    if (store_admin_option(s, hub, "deny_routing") > 0)
        p->NoRouting = p->NoRoutingV6 = 1;
    if (store_admin_option(s, hub, "deny_qos") > 0)
        p->NoQoS = 1;
    if (store_admin_option(s, hub, "deny_change_user_password") > 0)
        p->FixPassword = 1;
}
