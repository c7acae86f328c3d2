import uvicorn
from chassis import logs
from chassis.settings import read

from web.main import configuration
from web.settings import Settings

if __name__ == "__main__":
    logs.configure("web")
    uvicorn.Server(configuration(read(Settings))).run()
