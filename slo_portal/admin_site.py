from django.contrib.admin import AdminSite


class PortalAdminSite(AdminSite):
    site_title = "SLO portal"
    site_header = "SLO portal administration"
    index_title = "Administration"
    enable_nav_sidebar = False  # the sidebar shifts the layout while it loads
