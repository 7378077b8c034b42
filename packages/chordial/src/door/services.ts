/** All services that a door can serve. */
import type { ServiceName } from '../peer/settings.ts';
import { codeRoutes } from './codes/code-routes.ts';
import { davService } from './dav/dav-routes.ts';
import { gatewayService } from './gateway/gateway-routes.ts';
import { linkService } from './links/link-routes.ts';
import type { DoorService } from './service.ts';

export const services: Readonly<Record<ServiceName, DoorService>> = {
  links: {
    name: 'links',
    routes: async (app, context) => {
      await linkService.routes(app, context);
      codeRoutes(app, context);
    },
  },
  gateway: gatewayService,
  dav: davService,
};
