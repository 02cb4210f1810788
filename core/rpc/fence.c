/* SPDX-License-Identifier: Apache-2.0 */
/* fence.c - see fence.h. */
#include "core/rpc/fence.h"

#include "core/base/error.h"
#include "core/base/types.h"

#include <string.h>

/* A row counts when its field is not there (NULL), or has this truth in the call. */
static const struct {
    const char *option, *method, *field;
    bool value;
} fences[] = {
    {"no_change_users", "CreateUser", NULL, false},
    {"no_change_users", "SetUser", NULL, false},
    {"no_change_users", "DeleteUser", NULL, false},
    {"no_change_groups", "CreateGroup", NULL, false},
    {"no_change_groups", "SetGroup", NULL, false},
    {"no_change_groups", "DeleteGroup", NULL, false},
    {"no_change_groups", "SetHubDefaultPolicy", NULL, false},
    {"no_securenat", "EnableSecureNAT", NULL, false},
    {"no_securenat", "DisableSecureNAT", NULL, false},
    {"no_securenat_enablenat", "SetSecureNATOption", "UseNat_bool", true},
    {"no_securenat_enabledhcp", "SetSecureNATOption", "UseDhcp_bool", true},
    {"no_online", "SetHubOnline", "Online_bool", true},
    {"no_offline", "SetHubOnline", "Online_bool", false},
    {"no_online", "SetHub", "Online_bool", true},
    {"no_offline", "SetHub", "Online_bool", false},
    {"no_change_log_config", "SetHubLog", NULL, false},
    {"no_change_log_switch_type", "SetHubLog", NULL, false},
    {"no_disconnect_session", "DeleteSession", NULL, false},
    {"no_delete_iptable", "DeleteIpTable", NULL, false},
    {"no_delete_mactable", "DeleteMacTable", NULL, false},
    {"no_enum_session", "EnumSession", NULL, false},
    {"no_query_session", "GetSessionStatus", NULL, false},
    {"no_change_access_list", "AddAccess", NULL, false},
    {"no_change_access_list", "DeleteAccess", NULL, false},
    {"no_change_access_list", "SetAccessList", NULL, false},
    {"no_change_access_control_list", "SetAcList", NULL, false},
    {"no_change_cert_list", "AddCa", NULL, false},
    {"no_change_cert_list", "DeleteCa", NULL, false},
    {"no_change_crl_list", "AddCrl", NULL, false},
    {"no_change_crl_list", "DelCrl", NULL, false},
    {"no_change_crl_list", "SetCrl", NULL, false},
    {"no_read_log_file", "EnumLogFile", NULL, false},
    {"no_read_log_file", "ReadLogFile", NULL, false},
    {"deny_hub_admin_change_ext_option", "SetHubExtOptions", NULL, false},
    {"no_change_msg", "SetHubMsg", NULL, false},
};

static bool
refuse(const char *option, bool is_set, GError **error)
{
    g_set_error(error, PE_ERROR, PE_NOT_ENOUGH_RIGHTS,
                is_set ? "the server's administrator forbids this to the administrators of the hub "
                         "(administration option %s)"
                       : "only the server administrator may do this (administration option %s is "
                         "not set)",
                option);
    return false;
}

static bool
changes_password(const struct rpc_method *method, const struct record *in)
{
    return strcmp(method->name, "SetHub") == 0 &&
           record_text(in, "AdminPasswordPlainText_str")[0] != '\0';
}

bool
fence_passes(struct store *store, const char *hub, const struct rpc_method *method,
             const struct record *in, GError **error)
{
    static const char edits_list[] = "allow_hub_admin_change_option";

    for (size_t i = 0; i < ARRAY_LEN(fences); i++) {
        if (strcmp(fences[i].method, method->name) != 0)
            continue;
        if (fences[i].field && record_bool(in, fences[i].field) != fences[i].value)
            continue;
        if (store_admin_option(store, hub, fences[i].option) > 0)
            return refuse(fences[i].option, true, error);
    }
    if (changes_password(method, in) &&
        store_admin_option(store, hub, "no_change_admin_password") > 0)
        return refuse("no_change_admin_password", true, error);
    if (strcmp(method->name, "SetHubAdminOptions") == 0 &&
        store_admin_option(store, hub, edits_list) == 0)
        return refuse(edits_list, false, error);
    return true;
}
