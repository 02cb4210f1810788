/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - see error.h. */

#include "core/base/error.h"

#include "core/base/types.h"

GQuark
pe_error_quark(void)
{
    return g_quark_from_static_string("polyether-error");
}

static const char *const texts[] = {
    [PE_OK] = "no error",
    [PE_CONNECT_FAILED] = "the connection to the server could not be made",
    [PE_NOT_SEVPN_SERVER] = "the other side is not a SE-VPN server",
    [PE_DISCONNECTED] = "the connection was lost",
    [PE_PROTOCOL] = "the other side broke the protocol",
    [PE_NOT_SEVPN_CLIENT] = "the other side is not a SE-VPN client",
    [PE_CANCELLED] = "ended by the user",
    [PE_AUTH_NOT_SUPPORTED] = "this way of authentication is not supported",
    [PE_HUB_NOT_FOUND] = "the hub does not exist",
    [PE_AUTH_FAILED] = "authentication failed",
    [PE_HUB_STOPPING] = "the hub is offline or stopping",
    [PE_SESSION_REMOVED] = "the session was ended by an administrator",
    [PE_ACCESS_DENIED] = "access denied",
    [PE_SESSION_TIMEOUT] = "the session timed out",
    [PE_BAD_PROTOCOL] = "the protocol is not known",
    [PE_TOO_MANY_CONNECTIONS] = "too many connections",
    [PE_HUB_FULL] = "the hub has as many sessions as it may have",
    [PE_PROXY_CONNECT_FAILED] = "the connection to the proxy could not be made",
    [PE_PROXY_ERROR] = "the proxy refused the connection or failed",
    [PE_PROXY_AUTH_FAILED] = "the proxy did not accept the user name or the password",
    [PE_TOO_MANY_USER_SESSIONS] = "the user has as many sessions as the policy allows",
    [PE_DEVICE] = "the virtual network adapter failed",
    [PE_INTERNAL] = "internal error",
    [PE_NOT_FOUND] = "the object does not exist",
    [PE_NOT_SUPPORTED] = "not supported",
    [PE_ACCOUNT_EXISTS] = "an account of that name exists already",
    [PE_ACCOUNT_ACTIVE] = "the account is connected or connecting",
    [PE_ACCOUNT_NOT_FOUND] = "the account does not exist",
    [PE_ACCOUNT_INACTIVE] = "the account is not connected",
    [PE_INVALID_PARAMETER] = "a parameter is not valid",
    [PE_NOT_ENOUGH_RIGHTS] = "not enough rights",
    [PE_LISTENER_NOT_FOUND] = "the listener does not exist",
    [PE_LISTENER_EXISTS] = "a listener on that port exists already",
    [PE_HUB_EXISTS] = "a hub of that name exists already",
    [PE_TOO_MANY_HUBS] = "there are as many hubs as there may be",
    [PE_TOO_MANY_USERS] = "the hub has as many users as it may have",
    [PE_GROUP_NOT_FOUND] = "the group does not exist",
    [PE_USER_EXISTS] = "a user of that name exists already",
    [PE_GROUP_EXISTS] = "a group of that name exists already",
    [PE_LOCAL_BRIDGE] = "the local bridge could not be made",
    [PE_LOCAL_BRIDGE_UNSUPPORTED] = "local bridges are not possible on this system",
    [PE_CERT_NOT_TRUSTED] = "the server's certificate is not trusted",
    [PE_OLD_PASSWORD_WRONG] = "the old password is wrong",
    [PE_MONITOR_DENIED] = "monitoring mode is not allowed",
    [PE_BRIDGE_DENIED] = "bridge and router mode is not allowed",
    [PE_ADDRESS_DENIED] = "connections from this address are not allowed",
    [PE_TOO_MANY_ITEMS] = "there are as many items as there may be",
    [PE_EXISTS] = "the object exists already",
    [PE_AUTO_DISCONNECT] = "the session reached the longest time that the policy allows",
    [PE_OPENVPN_OFF] = "OpenVPN is off",
    [PE_TLS_HOSTNAME] = "the server's certificate is for another host name",
};

const char *
pe_error_text(int code)
{
    if (code < 0 || (size_t)code >= ARRAY_LEN(texts) || !texts[code])
        return "unknown error";
    return texts[code];
}
